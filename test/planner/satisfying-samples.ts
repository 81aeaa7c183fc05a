/**
 * From a rule to a sample that satisfies it.
 *
 * A condition is walked the way a person would do it who has to build a file that the rule matches: of an `and` do all,
 * of an `or` one at random, of `2 of ($a*)` any two, place the strings in random forms, write the integers where they
 * are read, sign the program with a certificate that has the serial number. What cannot be done that way (a checksum
 * over the file, a field of a parser that is not modelled) is left undone, and the engine says afterwards whether the
 * sample satisfies the rule all the same. So the solver may be wrong; it only must not be wrong too often.
 */
import type { Comparison, Expression, OfExpression, Quantifier, Rule, StringDefinition } from '../../src/yara/index.ts'
import { type Certificate, ENTRY_OFFSET, elfExecutable, portableExecutable } from './portable-executable.ts'
import type { Random } from './random.ts'
import { randomForm } from './string-forms.ts'

/** What the sample is to be like, as far as the condition has been read. */
interface Draft {
  /** Strings to place anywhere, one entry for each time. */
  readonly floating: StringDefinition[]
  /** Strings to place at an offset of the file. */
  readonly fixed: { readonly at: number; readonly string: StringDefinition }[]
  /** Strings to place at the program's entry point. */
  readonly entry: StringDefinition[]
  readonly bytes: Map<number, number>
  minSize: number
  maxSize: number
  serial: string | null
  readonly subjects: string[]
  notAfter: { min: number; max: number }
}

interface Scope {
  readonly rule: Rule
  readonly rules: ReadonlyMap<string, Rule>
  readonly current: StringDefinition | null
  readonly random: Random
}

/** A sample built to satisfy the rule and the global rules of its text; null when the solver sees no way. */
export function satisfyingSample(rule: Rule, all: readonly Rule[], random: Random): Uint8Array | null {
  const rules = new Map(all.map((other) => [other.name, other]))
  const draft: Draft = {
    floating: [],
    fixed: [],
    entry: [],
    bytes: new Map(),
    minSize: 0,
    maxSize: Number.POSITIVE_INFINITY,
    serial: null,
    subjects: [],
    notAfter: { min: 0, max: 4e9 },
  }
  const wanted = [...all.filter((other) => other.isGlobal), rule]
  const solved = wanted.every((one) => satisfy(one.condition, draft, { rule: one, rules, current: null, random }))
  return solved ? build(draft, random) : null
}

// --------------------------------------------------------------------------------------------------------- the solver

/** Adds to the draft what makes the expression true. False when the solver knows no way. */
function satisfy(expression: Expression, draft: Draft, scope: Scope): boolean {
  switch (expression.kind) {
    case 'boolean':
      return expression.value
    case 'and':
      return expression.operands.every((operand) => satisfy(operand, draft, scope))
    case 'or':
      return scope.random.shuffled(expression.operands).some((operand) => satisfy(operand, draft, scope))
    case 'stringMatch': {
      const string = stringOf(expression.identifier, scope)
      return string !== null && place(string, expression.anchor, draft)
    }
    case 'stringCount': {
      const string = stringOf(expression.identifier, scope)
      return string !== null && place(string, null, draft)
    }
    case 'comparison':
      return satisfyComparison(expression, draft, scope)
    case 'textOperation': {
      const [left, right] = [expression.left, expression.right]
      if (expression.operator !== 'contains' || right.kind !== 'textLiteral') return true
      if (left.kind === 'member' && left.name === 'subject') draft.subjects.push(textOf(right.bytes))
      return true
    }
    case 'of':
      return satisfyOf(expression, draft, scope)
    case 'forOf': {
      const strings = stringsOf(expression.set.kind === 'them' ? ['$*'] : expression.set.patterns, scope)
      const chosen = chosenOf(expression.quantifier, strings, scope.random)
      return chosen.every((current) => satisfy(expression.body, draft, { ...scope, current }))
    }
    case 'forIn':
      return expression.quantifier.kind === 'none' || satisfy(expression.body, draft, scope)
    case 'identifier': {
      const rule = scope.rules.get(expression.name)
      return rule === undefined || satisfy(rule.condition, draft, { ...scope, rule })
    }
    default:
      // `not`, fields of modules and the like: left to chance and to the engine's verdict.
      return true
  }
}

function place(
  string: StringDefinition,
  anchor: (Expression & { kind: 'stringMatch' })['anchor'],
  draft: Draft,
): boolean {
  if (anchor?.kind === 'at') {
    const at = integerOf(anchor.offset)
    if (at !== null) draft.fixed.push({ at: Number(at), string })
    else draft.entry.push(string)
  } else if (anchor?.kind === 'in') {
    const from = integerOf(anchor.from)
    if (from !== null) draft.fixed.push({ at: Number(from), string })
    else draft.floating.push(string)
  } else draft.floating.push(string)
  return true
}

function satisfyOf({ quantifier, set, anchor }: OfExpression, draft: Draft, scope: Scope): boolean {
  switch (set.kind) {
    case 'expressions':
      return chosenOf(quantifier, set.items, scope.random).every((item) => satisfy(item, draft, scope))
    case 'rules': {
      const rules = set.patterns.flatMap((name) => scope.rules.get(name) ?? [])
      return chosenOf(quantifier, rules, scope.random).every((rule) =>
        satisfy(rule.condition, draft, { ...scope, rule }),
      )
    }
    default: {
      const strings = stringsOf(set.kind === 'them' ? ['$*'] : set.patterns, scope)
      return chosenOf(quantifier, strings, scope.random).every((string) => place(string, anchor, draft))
    }
  }
}

/** As many of the items as the quantifier asks for, drawn at random; sometimes one more. */
function chosenOf<Item>(quantifier: Quantifier, items: readonly Item[], random: Random): Item[] {
  const count = countOf(quantifier, items.length)
  return random.shuffled(items).slice(0, count === 0 || !random.once(4) ? count : count + 1)
}

function countOf(quantifier: Quantifier, total: number): number {
  switch (quantifier.kind) {
    case 'any':
      return 1
    case 'all':
      return total
    case 'none':
      return 0
    case 'count':
      return Number(integerOf(quantifier.value) ?? 1n)
    case 'percent':
      return Math.ceil((Number(integerOf(quantifier.value) ?? 100n) * total) / 100)
  }
}

const mirrored = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

function satisfyComparison({ operator, left, right }: Comparison, draft: Draft, scope: Scope): boolean {
  if (left.kind === 'integer' && right.kind !== 'integer') {
    return satisfyComparison(
      { kind: 'comparison', operator: mirrored[operator], left: right, right: left, span: left.span },
      draft,
      scope,
    )
  }
  if (left.kind === 'member' && right.kind === 'textLiteral' && left.name === 'serial') {
    draft.serial = textOf(right.bytes)
    return true
  }
  const value = integerOf(right)
  if (value === null) return true
  const wanted = Number(operator === '>' || operator === '!=' ? value + 1n : operator === '<' ? value - 1n : value)
  if (left.kind === 'filesize') {
    if (operator === '<' || operator === '<=') draft.maxSize = Math.min(draft.maxSize, wanted)
    else draft.minSize = Math.max(draft.minSize, wanted)
    if (operator === '==') draft.maxSize = Math.min(draft.maxSize, wanted)
    return draft.minSize <= draft.maxSize && draft.minSize < 64 << 20
  }
  if (left.kind === 'stringCount') {
    const string = stringOf(left.identifier, scope)
    for (let i = 0; string !== null && i < Math.min(wanted, 50); i++) draft.floating.push(string)
    return string !== null
  }
  if (left.kind === 'member' && left.name === 'not_after') {
    if (operator === '<' || operator === '<=') draft.notAfter.max = Math.min(draft.notAfter.max, wanted)
    else draft.notAfter.min = Math.max(draft.notAfter.min, wanted)
    return draft.notAfter.min <= draft.notAfter.max
  }
  return left.kind !== 'call' || writeInteger(left, wanted, draft)
}

/** `uint16be(4) == value` */
function writeInteger(call: Expression & { kind: 'call' }, value: number, draft: Draft): boolean {
  const match = call.callee.kind === 'identifier' ? /^u?int(8|16|32)(be)?$/.exec(call.callee.name) : null
  const offset = call.args[0] === undefined ? null : integerOf(call.args[0])
  if (match === null || offset === null) return true
  const width = Number(match[1]) / 8
  for (let i = 0; i < width; i++) {
    const byte = Math.floor(value / 256 ** (match[2] === undefined ? i : width - 1 - i)) & 0xff
    const at = Number(offset) + i
    if ((draft.bytes.get(at) ?? byte) !== byte) return false
    draft.bytes.set(at, byte)
  }
  return true
}

function integerOf(expression: Expression): bigint | null {
  return expression.kind === 'integer' ? expression.value : null
}

function stringOf(identifier: string, scope: Scope): StringDefinition | null {
  if (identifier === '$') return scope.current
  return scope.rule.strings.find((string) => string.identifier === identifier) ?? null
}

function stringsOf(patterns: readonly string[], scope: Scope): StringDefinition[] {
  return patterns.flatMap((pattern) =>
    scope.rule.strings.filter(({ identifier }) =>
      pattern.endsWith('*') ? identifier.startsWith(pattern.slice(0, -1)) : identifier === pattern,
    ),
  )
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

// -------------------------------------------------------------------------------------------------------- the builder

function build(draft: Draft, random: Random): Uint8Array {
  // A string may stand beside anything but a letter: `fullword` asks for that, and nothing else minds.
  const body: number[] = []
  const entry = draft.entry[0]
  if (entry !== undefined) body.push(...randomForm(entry, random), 0)
  for (const string of random.shuffled([...draft.floating, ...draft.entry.slice(1)])) {
    body.push(0, 0, ...Uint8Array.from(random.bytes(random.below(12)), (byte) => byte | 0x80), 0, 0)
    body.push(...randomForm(string, random), 0, 0)
  }
  const bytes = Uint8Array.from(body)
  const file = withHeader(draft, bytes)
  const end = draft.fixed.reduce((most, { at }) => Math.max(most, at + 4096), file.length)
  const sized = new Uint8Array(Math.max(draft.minSize, draft.fixed.length > 0 ? end : file.length))
  sized.set(file)
  for (const { at, string } of draft.fixed) sized.set(randomForm(string, random).subarray(0, sized.length - at), at)
  for (const [at, byte] of draft.bytes) if (at < sized.length) sized[at] = byte
  return sized
}

function withHeader(draft: Draft, body: Uint8Array): Uint8Array {
  const first = (text: string) => [...text].every((letter, i) => draft.bytes.get(i) === letter.charCodeAt(0))
  if (draft.serial !== null || first('MZ')) return portableExecutable(body, certificateOf(draft))
  if (first('\x7fELF')) return elfExecutable(body)
  const padding = draft.bytes.size === 0 ? 0 : Math.min(ENTRY_OFFSET, 1 + Math.max(...draft.bytes.keys()))
  const file = new Uint8Array(padding + body.length)
  file.set(body, padding)
  return file
}

function certificateOf(draft: Draft): Certificate | null {
  if (draft.serial === null) return null
  const { min, max } = draft.notAfter
  return {
    serial: Buffer.from(draft.serial.replaceAll(':', ''), 'hex'),
    subject: draft.subjects.join(' '),
    notAfter: max < 4e9 ? max : Math.max(min, 1e9),
  }
}
