import type { Fact, GramsPlan, Plan, RulesetPlan } from './plan.ts'

/** Parts of one choice that are printed: `xor` makes hundreds, and nobody reads them. */
const MAX_PARTS = 20
/** Lines of one plan: rules that refer to each other make plans that stand in each other many times. */
const MAX_LINES = 1_000

/**
 * The plan as indented text, one demand a line: what `explain` shows and what case files compare.
 *
 *     all of
 *       uint16(0) == 0x5a4d
 *       at least 2 of
 *         $a: 9 grams, 7 long
 *         $b (wide): 12 wide grams, 10 long
 *         $c: 4 grams
 */
export function printPlan(plan: Plan): string {
  const lines: string[] = []
  print(plan, '', lines)
  if (lines.length > MAX_LINES) lines.splice(MAX_LINES, Number.POSITIVE_INFINITY, '…')
  return lines.join('\n')
}

/** Every rule's name and plan, with what `explain` says about its strings. */
export function printRulesetPlan(ruleset: RulesetPlan): string {
  const lines: string[] = []
  for (const rule of ruleset.rules) {
    lines.push(rule.isPrivate ? `private rule ${rule.rule}` : `rule ${rule.rule}`)
    print(rule.plan, '  ', lines)
    for (const { identifier, why } of rule.unindexable) lines.push(`  ${identifier} cannot use the index: ${why}`)
    for (const advice of rule.advice) lines.push(`  ${advice}`)
  }
  return `${lines.join('\n')}\n`
}

function print(plan: Plan, indent: string, lines: string[]): void {
  if (lines.length > MAX_LINES) return
  switch (plan.kind) {
    case 'may':
      lines.push(`${indent}may match: ${plan.why}`)
      return
    case 'never':
      lines.push(`${indent}never matches: ${plan.why}`)
      return
    case 'fact':
      lines.push(`${indent}${factText(plan.fact)}`)
      return
    case 'grams':
      lines.push(`${indent}${gramsText(plan)}`)
      return
    default:
      lines.push(`${indent}${heading(plan)}`)
      for (const part of plan.parts.slice(0, MAX_PARTS)) print(part, `${indent}  `, lines)
      if (plan.parts.length > MAX_PARTS) lines.push(`${indent}  … ${plan.parts.length - MAX_PARTS} more of the kind`)
  }
}

function heading(plan: Extract<Plan, { readonly parts: readonly Plan[] }>): string {
  if (plan.kind === 'and') return 'all of'
  return plan.kind === 'or' ? 'one of' : `at least ${plan.count} of`
}

function gramsText({ channel, grams, longGrams, wordHashes, label }: GramsPlan): string {
  const kind = channel === 'wide' ? 'wide gram' : 'gram'
  const long = longGrams.length === 0 ? '' : `, ${longGrams.length} long`
  // A whole word of three letters has no gram.
  if (grams.length === 0 && wordHashes.length > 0) return `${label}: words`
  return `${label}: ${grams.length} ${kind}${grams.length === 1 ? '' : 's'}${long}`
}

function factText(fact: Fact): string {
  switch (fact.kind) {
    case 'size':
      if (fact.min === fact.max) return `filesize == ${fact.min}`
      if (fact.max === Number.POSITIVE_INFINITY) return `filesize >= ${fact.min}`
      return fact.min === 0 ? `filesize <= ${fact.max}` : `${fact.min} <= filesize <= ${fact.max}`
    case 'bytes':
      return `bytes at ${fact.offset}: ${bytesText(fact.value, fact.mask)}`
    case 'integer': {
      const read = `${fact.signed ? '' : 'u'}int${fact.width * 8}${fact.bigEndian ? 'be' : ''}(${fact.offset})`
      const { lowest, highest } = integerRange(fact.width, fact.signed)
      if (fact.min === fact.max) return `${read} == ${hexNumber(fact.min)}`
      if (fact.min <= lowest && fact.max >= highest) return `${read} is defined`
      if (fact.min <= lowest) return `${read} <= ${hexNumber(fact.max)}`
      if (fact.max >= highest) return `${read} >= ${hexNumber(fact.min)}`
      return `${hexNumber(fact.min)} <= ${read} <= ${hexNumber(fact.max)}`
    }
    case 'signer': {
      const [first = '', ...others] = fact.serials
      return others.length === 0 ? `signed by ${first}` : `signed by one of ${fact.serials.length}: ${first}, …`
    }
    case 'program':
      return programText(fact)
    case 'programText': {
      const [first = '', ...others] = fact.texts.map((text) => JSON.stringify(text))
      return `pe.${fact.field} == ${others.length === 0 ? first : `one of ${fact.texts.length}: ${first}, …`}`
    }
    case 'entry':
      return `bytes at pe.entry_point${fact.offset === 0 ? '' : ` + ${fact.offset}`}: ${bytesText(fact.value, fact.mask)}`
    case 'variable':
      return variableText(fact)
    case 'hash':
      return `${fact.algorithm} == ${Buffer.from(fact.digest).toString('hex')}`
  }
}

function programText({ field, mask, min, max, orUndefined }: Extract<Fact, { readonly kind: 'program' }>): string {
  const highest = 2 ** 32 - 1
  const value = `pe.${field}${mask === highest ? '' : ` & ${hexNumber(mask)}`}`
  const orNone = orUndefined ? ', or it has no value' : ''
  if (max < min) return `pe.${field} has no value`
  if (field.startsWith('is_')) return `${min > 0 ? '' : 'not '}pe.${field}`
  if (min === max) return `${value} == ${hexNumber(min)}${orNone}`
  if (max >= highest) return `${value}${min === 0 ? ' has a value' : ` >= ${hexNumber(min)}`}${orNone}`
  return min === 0
    ? `${value} <= ${hexNumber(max)}${orNone}`
    : `${hexNumber(min)} <= ${value} <= ${hexNumber(max)}${orNone}`
}

function variableText({ variable, relation, ignoresCase, isNegated, values }: VariableFact): string {
  const isEqual = relation === 'equals' && !ignoresCase
  const operator = isEqual ? (isNegated ? '!=' : '==') : `${ignoresCase ? 'i' : ''}${relation}`
  const [first = '', ...others] = values.map((value) => JSON.stringify(Buffer.from(value, 'latin1').toString()))
  const one = `${variable} ${operator} ${first}`
  if (others.length > 0) return `${variable} ${operator} one of ${values.length}: ${first}, …`
  return isNegated && !isEqual ? `not ${one}` : one
}

type VariableFact = Extract<Fact, { readonly kind: 'variable' }>

/** The least and the greatest integer of a width. */
export function integerRange(width: 1 | 2 | 4, signed: boolean): { lowest: number; highest: number } {
  const values = 256 ** width
  return signed ? { lowest: -values / 2, highest: values / 2 - 1 } : { lowest: 0, highest: values - 1 }
}

function hexNumber(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`
}

function bytesText(value: Uint8Array, mask: Uint8Array): string {
  return Array.from(value, (byte, i) => {
    if (mask[i] === 0xff) return byte.toString(16).padStart(2, '0')
    return mask[i] === 0 ? '??' : `${byte.toString(16).padStart(2, '0')}&${mask[i]?.toString(16)}`
  }).join(' ')
}
