/*
 * From the tree of a condition to its expression. The grammar has settled precedence; a chain of one level comes as one
 * flat node, which stays flat for `and` and `or` and is folded to the left for all others.
 */
import { beyond } from './diagnostics.ts'
import { floatValue, integerValue, textBytes } from './literals.ts'
import * as term from './parser.generated.terms.js'
import type { Reading } from './reading.ts'
import { readRegexp } from './regexp-literal.ts'
import type {
  Anchor,
  Arithmetic,
  Comparison,
  Expression,
  ForIn,
  OfSet,
  Quantifier,
  Span,
  StringSet,
  TextOperation,
  Unknown,
} from './syntax.ts'

type Reads = (reading: Reading) => Expression

const readers: Readonly<Record<number, Reads>> = {
  [term.Or]: (reading) => ({ kind: 'or', operands: operands(reading), span: reading.tree.span }),
  [term.And]: (reading) => ({ kind: 'and', operands: operands(reading), span: reading.tree.span }),
  [term.Not]: (reading) => unary(reading, 'not'),
  [term.Defined]: (reading) => unary(reading, 'defined'),
  [term.Comparison]: (reading) => chain(reading, comparison),
  [term.BitOr]: (reading) => chain(reading, arithmetic),
  [term.BitXor]: (reading) => chain(reading, arithmetic),
  [term.BitAnd]: (reading) => chain(reading, arithmetic),
  [term.Shift]: (reading) => chain(reading, arithmetic),
  [term.Sum]: (reading) => chain(reading, arithmetic),
  [term.Product]: (reading) => chain(reading, arithmetic),
  [term.Negate]: (reading) => unary(reading, 'negate'),
  [term.BitwiseNot]: (reading) => unary(reading, 'bitwiseNot'),
  [term.True]: ({ tree }) => ({ kind: 'boolean', value: true, span: tree.span }),
  [term.False]: ({ tree }) => ({ kind: 'boolean', value: false, span: tree.span }),
  [term.Integer]: integer,
  [term.Float]: ({ tree }) => ({ kind: 'float', value: floatValue(tree.source), span: tree.span }),
  [term.Text]: ({ tree, complain }) => ({
    kind: 'textLiteral',
    bytes: textBytes(tree.source, tree.span.from, complain),
    span: tree.span,
  }),
  [term.Regexp]: (reading) => ({ kind: 'regexpLiteral', regexp: readRegexp(reading), span: reading.tree.span }),
  [term.Filesize]: ({ tree }) => ({ kind: 'filesize', span: tree.span }),
  [term.Entrypoint]: ({ tree }) => ({ kind: 'entrypoint', span: tree.span }),
  [term.Identifier]: ({ tree }) => ({ kind: 'identifier', name: tree.source, span: tree.span }),
  [term.Parentheses]: (reading) => onlyOperand(reading),
  [term.Member]: member,
  [term.NoMember]: ({ tree }) => unknown(tree.span),
  [term.Index]: index,
  [term.Call]: call,
  [term.StringMatch]: stringMatch,
  [term.StringCount]: stringCount,
  [term.StringOffset]: (reading) => stringPlace(reading, 'stringOffset'),
  [term.StringLength]: (reading) => stringPlace(reading, 'stringLength'),
  [term.Of]: of,
  [term.For]: loop,
  [term.With]: withVariables,
}

/** Reads the expression that the reader stands on; what recovery has damaged is `unknown`. */
export function readExpression(reading: Reading): Expression {
  const read = readers[reading.tree.id]
  const { tree, budget } = reading
  const { span } = tree
  if (read === undefined || tree.isBroken) return unknown(span)
  const deepest = reading.depth
  reading.depth = 0
  const expression = read(reading)
  const depth = reading.depth + 1
  reading.depth = Math.max(deepest, depth)
  // Chains within each other's first operands: flat in the tree, and deep here.
  if (depth <= 2 * budget.maxDepth) return expression
  reading.depth = deepest
  reading.complain('budget-exceeded', beyond(`expressions more than ${2 * budget.maxDepth} deep`), span)
  return unknown(span)
}

export function unknown(span: Span): Unknown {
  return { kind: 'unknown', span }
}

/** Whether a node of this kind is an expression, rather than punctuation or a keyword. */
function isExpression(id: number): boolean {
  return id in readers
}

function operands(reading: Reading): Expression[] {
  const found: Expression[] = []
  const { tree } = reading
  if (tree.enter()) {
    do if (isExpression(tree.id)) found.push(readExpression(reading))
    while (tree.next())
    tree.leave()
  }
  return found
}

function onlyOperand(reading: Reading): Expression {
  return operands(reading)[0] ?? unknown(reading.tree.span)
}

function unary(reading: Reading, kind: 'not' | 'defined' | 'negate' | 'bitwiseNot'): Expression {
  return { kind, operand: onlyOperand(reading), span: reading.tree.span }
}

type Fold = (operator: string, left: Expression, right: Expression, span: Span) => Expression

/** chain := operand (operator operand)+ */
function chain(reading: Reading, fold: Fold): Expression {
  const { tree } = reading
  const { span } = tree
  let result: Expression | null = null
  let operator = ''
  let length = 0
  let depth = 0
  if (tree.enter()) {
    do {
      if (isExpression(tree.id)) {
        reading.depth = 0
        const operand: Expression = readExpression(reading)
        depth = result === null ? reading.depth : Math.max(depth, reading.depth) + 1
        result = result === null ? operand : fold(operator, result, operand, { from: span.from, to: operand.span.to })
        length++
      } else {
        operator = tree.source
      }
    } while (tree.next())
    tree.leave()
  }
  reading.depth = Math.max(0, depth - 1)
  // The chain is flat in the tree but deep in the expression.
  if (length > reading.budget.maxDepth) {
    reading.complain('budget-exceeded', beyond(`more than ${reading.budget.maxDepth} operands in one chain`), span)
    return unknown(span)
  }
  return result ?? unknown(span)
}

function arithmetic(operator: string, left: Expression, right: Expression, span: Span): Expression {
  return { kind: 'arithmetic', operator: operator as Arithmetic['operator'], left, right, span }
}

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

function comparison(operator: string, left: Expression, right: Expression, span: Span): Expression {
  return comparisons.has(operator)
    ? { kind: 'comparison', operator: operator as Comparison['operator'], left, right, span }
    : { kind: 'textOperation', operator: operator as TextOperation['operator'], left, right, span }
}

function integer({ tree, complain }: Reading): Expression {
  const value = integerValue(tree.source)
  if (value !== null) return { kind: 'integer', value, span: tree.span }
  complain('integer-range', 'this number does not fit 64 bits', tree.span)
  return unknown(tree.span)
}

/** member := postfix '.' (identifier | value), where a value instead of a name makes it unknown */
function member(reading: Reading): Expression {
  const { tree } = reading
  let object: Expression = unknown(tree.span)
  let name: string | null = null
  if (tree.enter()) {
    object = readExpression(reading)
    while (tree.next()) if (tree.id === term.FieldName) name = tree.source
    tree.leave()
  }
  return name === null ? unknown(tree.span) : { kind: 'member', object, name, span: tree.span }
}

/** index := postfix '[' expression ']' */
function index(reading: Reading): Expression {
  const [object, at] = operands(reading)
  const { span } = reading.tree
  return object === undefined || at === undefined ? unknown(span) : { kind: 'index', object, index: at, span }
}

/** call := postfix '(' (expression (',' expression)*)? ')' */
function call(reading: Reading): Expression {
  const [callee, ...args] = operands(reading)
  const { span } = reading.tree
  return callee === undefined ? unknown(span) : { kind: 'call', callee, args, span }
}

/** stringMatch := '$' name ('at' expression | 'in' range)? */
function stringMatch(reading: Reading): Expression {
  const { tree } = reading
  let identifier = ''
  let anchor: Anchor | null = null
  if (tree.enter()) {
    do {
      if (tree.id === term.StringIdentifier) identifier = tree.source
      else anchor = readAnchor(reading)
    } while (tree.next())
    tree.leave()
  }
  return { kind: 'stringMatch', identifier, anchor, span: tree.span }
}

/** stringCount := '#' name ('in' range)? */
function stringCount(reading: Reading): Expression {
  const { tree } = reading
  let identifier = ''
  let anchor: Anchor | null = null
  if (tree.enter()) {
    do {
      if (tree.id === term.In) anchor = readAnchor(reading)
      else identifier = `$${tree.source.slice(1)}`
    } while (tree.next())
    tree.leave()
  }
  return { kind: 'stringCount', identifier, anchor, span: tree.span }
}

/** stringPlace := ('@' | '!') name ('[' expression ']')? */
function stringPlace(reading: Reading, kind: 'stringOffset' | 'stringLength'): Expression {
  const { tree } = reading
  let identifier = ''
  let round: Expression | null = null
  if (tree.enter()) {
    do {
      if (tree.id === term.StringIndex) round = onlyOperand(reading)
      else identifier = `$${tree.source.slice(1)}`
    } while (tree.next())
    tree.leave()
  }
  return { kind, identifier, index: round, span: tree.span }
}

/** anchor := 'at' expression | 'in' range */
function readAnchor(reading: Reading): Anchor {
  const { tree } = reading
  if (tree.id === term.At) return { kind: 'at', offset: onlyOperand(reading) }
  let range = { from: unknown(tree.span) as Expression, to: unknown(tree.span) as Expression }
  if (tree.enter()) {
    do if (tree.id === term.Range) range = readRange(reading)
    while (tree.next())
    tree.leave()
  }
  return { kind: 'in', ...range }
}

/** range := '(' expression '..' expression ')' */
function readRange(reading: Reading): { from: Expression; to: Expression } {
  const [from, to] = operands(reading)
  const { span } = reading.tree
  return { from: from ?? unknown(span), to: to ?? unknown(span) }
}

/** of := quantifier 'of' ('them' | set) anchor? */
function of(reading: Reading): Expression {
  const { tree } = reading
  const { span } = tree
  let quantifier: Quantifier | null = null
  let set: OfSet | null = null
  let anchor: Anchor | null = null
  if (tree.enter()) {
    do {
      if (tree.id === term.Quantifier) quantifier = readQuantifier(reading)
      else if (tree.id === term.Them) set = { kind: 'them' }
      else if (tree.id === term.Set) set = readSet(reading)
      else if (tree.id === term.At || tree.id === term.In) anchor = readAnchor(reading)
    } while (tree.next())
    tree.leave()
  }
  return quantifier === null || set === null ? unknown(span) : { kind: 'of', quantifier, set, anchor, span }
}

/** quantifier := 'any' | 'all' | 'none' | unary '%' | expression */
function readQuantifier(reading: Reading): Quantifier {
  const { tree } = reading
  let quantifier: Quantifier = { kind: 'count', value: unknown(tree.span) }
  if (tree.enter()) {
    if (tree.id === term.any || tree.id === term.all || tree.id === term.none) {
      quantifier = { kind: tree.name as 'any' | 'all' | 'none' }
    } else if (tree.id === term.Percent) {
      quantifier = { kind: 'percent', value: onlyOperand(reading) }
    } else {
      quantifier = { kind: 'count', value: readExpression(reading) }
    }
    tree.leave()
  }
  return quantifier
}

/**
 * set := '(' item (',' item)* ')', item := '$' name '*'? | rule '*'? | expression. Bare names make a set of strings or
 * of rules; as soon as one item says more, all are expressions.
 */
function readSet(reading: Reading): OfSet {
  const { tree } = reading
  const strings: string[] = []
  const rules: string[] = []
  const spans: Span[] = []
  const items: Expression[] = []
  if (tree.enter()) {
    do {
      if (tree.id === term.StringWildcard) {
        strings.push(wildcard(tree.source))
        items.push(unknown(tree.span))
      } else if (tree.id === term.RuleWildcard) {
        rules.push(wildcard(tree.source))
        spans.push(tree.span)
        items.push(unknown(tree.span))
      } else if (isExpression(tree.id)) {
        const item = readExpression(reading)
        if (tree.id === term.StringMatch && item.kind === 'stringMatch' && item.anchor === null) {
          strings.push(item.identifier)
        } else if (tree.id === term.Identifier && item.kind === 'identifier') {
          rules.push(item.name)
          spans.push(item.span)
        }
        items.push(item)
      }
    } while (tree.next())
    tree.leave()
  }
  if (strings.length === items.length) return { kind: 'strings', patterns: strings }
  if (rules.length === items.length) return { kind: 'rules', patterns: rules, spans }
  return { kind: 'expressions', items }
}

/** The name and the star alone: blanks and comments may stand between them. */
function wildcard(source: string): string {
  return `${/^\$?\w*/.exec(source)?.[0]}*`
}

/** for := 'for' quantifier ('of' set | variable (',' variable)* 'in' iterable) ':' '(' expression ')' */
function loop(reading: Reading): Expression {
  const { tree } = reading
  const { span } = tree
  let quantifier: Quantifier = { kind: 'count', value: unknown(span) }
  let set: OfSet | null = null
  let iterable: ForIn['iterable'] | null = null
  let body: Expression = unknown(span)
  const variables: string[] = []
  if (tree.enter()) {
    do {
      if (tree.id === term.Quantifier) quantifier = readQuantifier(reading)
      else if (tree.id === term.Variable) variables.push(tree.source)
      else if (tree.id === term.Them) set = { kind: 'them' }
      else if (tree.id === term.Set) set = readSet(reading)
      else if (tree.id === term.Body) body = onlyOperand(reading)
      else if (tree.id === term.Range) iterable = { kind: 'range', ...readRange(reading) }
      // The engine reads one value in parentheses as a list of one.
      else if (tree.id === term.Tuple || tree.id === term.Parentheses)
        iterable = { kind: 'list', items: operands(reading) }
      else if (isExpression(tree.id)) iterable = { kind: 'expression', value: readExpression(reading) }
    } while (tree.next())
    tree.leave()
  }
  if (iterable !== null) return { kind: 'forIn', quantifier, variables, iterable, body, span }
  return isStringSet(set) ? { kind: 'forOf', quantifier, set, body, span } : unknown(span)
}

function isStringSet(set: OfSet | null): set is StringSet {
  return set !== null && (set.kind === 'them' || set.kind === 'strings')
}

/** with := 'with' name '=' expression (',' name '=' expression)* ':' '(' expression ')' */
function withVariables(reading: Reading): Expression {
  const { tree } = reading
  const declarations: { name: string; value: Expression }[] = []
  let body: Expression = unknown(tree.span)
  if (tree.enter()) {
    do {
      if (tree.id === term.WithDeclaration) declarations.push(declaration(reading))
      else if (tree.id === term.Body) body = onlyOperand(reading)
    } while (tree.next())
    tree.leave()
  }
  return { kind: 'with', declarations, body, span: tree.span }
}

/** declaration := name '=' expression */
function declaration(reading: Reading): { name: string; value: Expression } {
  const { tree } = reading
  const read = { name: '', value: unknown(tree.span) as Expression }
  if (tree.enter()) {
    do {
      if (tree.id === term.Variable) read.name = tree.source
      else if (isExpression(tree.id)) read.value = readExpression(reading)
    } while (tree.next())
    tree.leave()
  }
  return read
}
