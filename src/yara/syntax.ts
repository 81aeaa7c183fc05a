/**
 * The syntax tree of a YARA text: what the parser makes and what the planner, `explain` and the rule fingerprints read.
 *
 * Every node carries a `span` of UTF-16 offsets into the text it came from. Nodes are plain, immutable data, so that a
 * tree can be posted to another process. A construct that the parser recovers from but does not understand becomes an
 * `Unknown` expression: the planner answers "may match" for it.
 */

/** Half-open range of UTF-16 code units in the source text. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A problem in a YARA text, found by our parser or by the engine. Lines and columns count from 1, columns in characters. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** The engine's code such as `E009`, or ours such as `include-refused`. */
  readonly code: string
  readonly message: string
  readonly line: number
  readonly column: number
  readonly span: Span
}

export interface SourceFile {
  readonly imports: readonly ModuleImport[]
  readonly includes: readonly Include[]
  readonly rules: readonly Rule[]
  /** What the parser could not make sense of, in order of position. Empty for a well-formed text. */
  readonly diagnostics: readonly Diagnostic[]
  /**
   * Why `rules` may be others than those of the engine: the text is more than the parser takes on, or has an error that
   * may have hidden rules. Null where they are the rules of the text.
   */
  readonly notUnderstood: string | null
}

export interface ModuleImport {
  readonly module: string
  readonly span: Span
}

export interface Include {
  readonly path: string
  readonly span: Span
}

export interface Rule {
  readonly name: string
  readonly nameSpan: Span
  readonly isGlobal: boolean
  readonly isPrivate: boolean
  readonly tags: readonly string[]
  readonly meta: readonly MetaEntry[]
  readonly strings: readonly StringDefinition[]
  readonly condition: Expression
  /** From behind the colon of `condition:` to the closing brace; empty, at the rule's end, where there is no condition. */
  readonly conditionSpan: Span
  /** From the first modifier or the keyword `rule` to the closing brace. */
  readonly span: Span
  /**
   * Why strings and condition may be others than the engine's: nothing but the rule's name and modifiers is certain.
   * Left out where they are what stands in the text.
   */
  readonly notUnderstood?: string
}

export interface MetaEntry {
  readonly key: string
  readonly value: string | number | boolean
  readonly span: Span
}

// ---------------------------------------------------------------------------------------------------------- strings

export interface StringModifiers {
  readonly nocase: boolean
  readonly wide: boolean
  readonly ascii: boolean
  readonly fullword: boolean
  readonly private: boolean
  /** Inclusive range of one-byte keys. */
  readonly xor: { readonly from: number; readonly to: number } | null
  /** The alphabet's 64 characters; `standard` when none was given. */
  readonly base64: string | 'standard' | null
  readonly base64wide: string | 'standard' | null
}

interface StringBase {
  /** With the dollar sign: `$a`; anonymous strings are all called `$`. */
  readonly identifier: string
  readonly modifiers: StringModifiers
  readonly span: Span
}

/** `$a = "text"`: `bytes` are the text's UTF-8 bytes with the escapes resolved. */
export interface TextString extends StringBase {
  readonly kind: 'text'
  readonly bytes: Uint8Array
}

/** `$a = { 4D 5A ?? ~00 [4-8] ( AA | BB CC ) }`. */
export interface HexString extends StringBase {
  readonly kind: 'hex'
  readonly tokens: readonly HexToken[]
}

/** `$a = /pattern/is`. */
export interface RegexpString extends StringBase {
  readonly kind: 'regexp'
  readonly regexp: Regexp
}

export type StringDefinition = TextString | HexString | RegexpString

export type HexToken =
  /** A byte matches when `(byte & mask) === value`; negated with `~`. `??` has mask 0, `4?` mask 0xf0. */
  | { readonly kind: 'byte'; readonly value: number; readonly mask: number; readonly negated: boolean }
  /** `[from-to]`; `to` is null for an unbounded jump. */
  | { readonly kind: 'jump'; readonly from: number; readonly to: number | null }
  | { readonly kind: 'alternatives'; readonly options: readonly (readonly HexToken[])[] }

/**
 * A regular expression with its parsed form, which takes the flags into account and describes at least what the engine
 * matches; `node` is null when it holds something this parser does not know.
 */
export interface Regexp {
  readonly source: string
  readonly caseInsensitive: boolean
  readonly dotAll: boolean
  readonly node: RegexpNode | null
}

/** Regular expressions work on bytes: `set` is a 256-bit membership table in 32 bytes, bit `b & 7` of byte `b >> 3`. */
export type RegexpNode =
  | { readonly kind: 'empty' }
  /** With `nocase`, ASCII letters match in either case. */
  | { readonly kind: 'literal'; readonly bytes: Uint8Array; readonly nocase: boolean }
  | { readonly kind: 'set'; readonly set: Uint8Array }
  | { readonly kind: 'sequence'; readonly items: readonly RegexpNode[] }
  | { readonly kind: 'alternatives'; readonly options: readonly RegexpNode[] }
  /** `max` is null for an unbounded repetition. */
  | { readonly kind: 'repeat'; readonly item: RegexpNode; readonly min: number; readonly max: number | null }
  /** `^`, `$`, `\b`, `\B`, `\A`, `\z`: matches no byte. */
  | { readonly kind: 'assertion'; readonly assertion: string }

// ------------------------------------------------------------------------------------------------------- conditions

export type Expression =
  | BooleanLiteral
  | IntegerLiteral
  | FloatLiteral
  | TextLiteral
  | RegexpLiteral
  | Filesize
  | Entrypoint
  | Identifier
  | Member
  | Index
  | Call
  | StringMatch
  | StringCount
  | StringOffset
  | StringLength
  | And
  | Or
  | Not
  | Defined
  | Comparison
  | TextOperation
  | Arithmetic
  | Negate
  | BitwiseNot
  | OfExpression
  | ForOf
  | ForIn
  | With
  | Unknown

interface Node {
  readonly span: Span
}

export interface BooleanLiteral extends Node {
  readonly kind: 'boolean'
  readonly value: boolean
}
/** 64-bit signed; sizes such as `500KB` are resolved. */
export interface IntegerLiteral extends Node {
  readonly kind: 'integer'
  readonly value: bigint
}
export interface FloatLiteral extends Node {
  readonly kind: 'float'
  readonly value: number
}
export interface TextLiteral extends Node {
  readonly kind: 'textLiteral'
  readonly bytes: Uint8Array
}
export interface RegexpLiteral extends Node {
  readonly kind: 'regexpLiteral'
  readonly regexp: Regexp
}
export interface Filesize extends Node {
  readonly kind: 'filesize'
}
export interface Entrypoint extends Node {
  readonly kind: 'entrypoint'
}
/** A loop or `with` variable, a rule, an external variable or a module. */
export interface Identifier extends Node {
  readonly kind: 'identifier'
  readonly name: string
}
export interface Member extends Node {
  readonly kind: 'member'
  readonly object: Expression
  readonly name: string
}
export interface Index extends Node {
  readonly kind: 'index'
  readonly object: Expression
  readonly index: Expression
}
/** A module function, or a read of an integer such as `uint16be(0)` (then `callee` is an identifier of that name). */
export interface Call extends Node {
  readonly kind: 'call'
  readonly callee: Expression
  readonly args: readonly Expression[]
}

/** Where a string has to be: nowhere in particular, at an offset, or within an inclusive range of offsets. */
export type Anchor =
  | { readonly kind: 'at'; readonly offset: Expression }
  | { readonly kind: 'in'; readonly from: Expression; readonly to: Expression }

/** `$a`, `$a at 0`, `$a in (0..100)`; inside a `for … of` body `$` stands for the string of the round. */
export interface StringMatch extends Node {
  readonly kind: 'stringMatch'
  readonly identifier: string
  readonly anchor: Anchor | null
}
/** `#a`, `#a in (0..100)`; `identifier` is written with the dollar sign. */
export interface StringCount extends Node {
  readonly kind: 'stringCount'
  readonly identifier: string
  readonly anchor: Anchor | null
}
/** `@a`, `@a[2]`. */
export interface StringOffset extends Node {
  readonly kind: 'stringOffset'
  readonly identifier: string
  readonly index: Expression | null
}
/** `!a`, `!a[2]`. */
export interface StringLength extends Node {
  readonly kind: 'stringLength'
  readonly identifier: string
  readonly index: Expression | null
}

export interface And extends Node {
  readonly kind: 'and'
  readonly operands: readonly Expression[]
}
export interface Or extends Node {
  readonly kind: 'or'
  readonly operands: readonly Expression[]
}
export interface Not extends Node {
  readonly kind: 'not'
  readonly operand: Expression
}
export interface Defined extends Node {
  readonly kind: 'defined'
  readonly operand: Expression
}
export interface Comparison extends Node {
  readonly kind: 'comparison'
  readonly operator: '==' | '!=' | '<' | '<=' | '>' | '>='
  readonly left: Expression
  readonly right: Expression
}
export interface TextOperation extends Node {
  readonly kind: 'textOperation'
  readonly operator:
    | 'contains'
    | 'icontains'
    | 'startswith'
    | 'istartswith'
    | 'endswith'
    | 'iendswith'
    | 'iequals'
    | 'matches'
  readonly left: Expression
  readonly right: Expression
}
export interface Arithmetic extends Node {
  readonly kind: 'arithmetic'
  readonly operator: '+' | '-' | '*' | '\\' | '%' | '&' | '|' | '^' | '<<' | '>>'
  readonly left: Expression
  readonly right: Expression
}
export interface Negate extends Node {
  readonly kind: 'negate'
  readonly operand: Expression
}
export interface BitwiseNot extends Node {
  readonly kind: 'bitwiseNot'
  readonly operand: Expression
}

/** `any`, `all`, `none`, `3`, `#a * 2`, `50%`. */
export type Quantifier =
  | { readonly kind: 'any' | 'all' | 'none' }
  | { readonly kind: 'count'; readonly value: Expression }
  | { readonly kind: 'percent'; readonly value: Expression }

/** `them`, or the listed identifiers and prefixes (`$a`, `$b*`), written as in the source. */
export type StringSet = { readonly kind: 'them' } | { readonly kind: 'strings'; readonly patterns: readonly string[] }

/**
 * What `… of` ranges over: strings, rules (`ruleA`, `prefix*`), or a tuple of boolean expressions. What looks like a rule may
 * be a variable; `spans` says where each pattern stands.
 */
export type OfSet =
  | StringSet
  | { readonly kind: 'rules'; readonly patterns: readonly string[]; readonly spans: readonly Span[] }
  | { readonly kind: 'expressions'; readonly items: readonly Expression[] }

/** `2 of ($a*)`, `any of them in (0..100)`, `all of them at 0`, `1 of (ruleA, ruleB*)`. */
export interface OfExpression extends Node {
  readonly kind: 'of'
  readonly quantifier: Quantifier
  readonly set: OfSet
  readonly anchor: Anchor | null
}
/** `for any of ($a*) : ( $ at 0 )`. */
export interface ForOf extends Node {
  readonly kind: 'forOf'
  readonly quantifier: Quantifier
  readonly set: StringSet
  readonly body: Expression
}
/** `for all i in (0..3) : ( … )`, `for any k, v in pe.version_info : ( … )`, `for any i in (1, 2, 3) : ( … )`. */
export interface ForIn extends Node {
  readonly kind: 'forIn'
  readonly quantifier: Quantifier
  readonly variables: readonly string[]
  readonly iterable:
    | { readonly kind: 'range'; readonly from: Expression; readonly to: Expression }
    | { readonly kind: 'list'; readonly items: readonly Expression[] }
    | { readonly kind: 'expression'; readonly value: Expression }
  readonly body: Expression
}
/** `with a = uint16(0), b = a + 1 : ( … )`. */
export interface With extends Node {
  readonly kind: 'with'
  readonly declarations: readonly { readonly name: string; readonly value: Expression }[]
  readonly body: Expression
}
/** Something this parser does not know; the engine decides whether it is an error. */
export interface Unknown extends Node {
  readonly kind: 'unknown'
}
