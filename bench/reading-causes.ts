/** Why a rule reads as much as it does: the demand on the easiest way through its plan, and what kind of demand it is. */
import { easiestWay, type Plan } from '../src/planner/index.ts'
import type { Rule } from '../src/yara/index.ts'

export interface ReadingCause {
  /** One of a few, to be counted. */
  readonly kind: string
  /** The string or term of the rule that cost it. */
  readonly term: string
}

/** Strings with fewer windows than this let samples through by chance. */
const FEW_GRAMS = 4

/** `source` is the text of the rule. */
export function readingCause(rule: Rule, plan: Plan, source: string): ReadingCause {
  const condition = source.slice(rule.condition.span.from, rule.condition.span.to)
  const variable = unknownVariable(plan)
  if (variable !== null) return { kind: 'an external variable', term: variable }
  const easiest = easiestWay(plan)
  if (easiest.grams > 0) {
    const kind = easiest.grams < FEW_GRAMS ? 'a string with few windows' : 'a string whose windows the samples hold'
    return { kind, term: `${easiest.label} (${easiest.grams} windows)` }
  }
  const short = rule.strings.find(({ identifier }) => condition.includes(identifier.slice(1)))
  for (const [kind, pattern] of [
    ['pe.imphash()', /pe\.imphash\s*\(/],
    ['another fact of a module', /\b(pe|elf|macho|dotnet|dex|lnk)\.\w+/],
    ['math.*', /\bmath\.\w+/],
    ['hash.*', /\bhash\.\w+/],
    ['a loop', /\bfor\b[^:]*\bin\b/],
    ['a count, an offset or a length', /[#@!]\w*\s*(\[|[<>=!])/],
  ] as const) {
    const term = pattern.exec(condition)?.[0]
    if (term !== undefined) return { kind, term }
  }
  if (short !== undefined) return { kind: 'a string without windows', term: short.identifier }
  return { kind: 'header and size only', term: condition.replace(/\s+/g, ' ').slice(0, 60) }
}

function unknownVariable(plan: Plan): string | null {
  return plan.kind === 'may' ? (/variable (\S+) is known only/.exec(plan.why)?.[1] ?? null) : null
}
