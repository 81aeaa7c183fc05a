/**
 * Where a rule lets through what it reads: the string that most of its demand hangs on, on the easiest way through its
 * plan, or its condition where no string is demanded.
 */
import type { Places, Rule } from '../yara/index.ts'
import { memoized } from './memoized.ts'
import type { Plan } from './plan.ts'

export interface WeakestDemand {
  /** Both from 1. */
  readonly line: number
  readonly column: number
  /** The string's identifier, or the beginning of the condition. */
  readonly term: string
}

/** Characters of a term that are told. */
const LONGEST_TERM = 80

/** `text` is the one that the rule is of. */
export function weakestDemand(rule: Rule, plan: Plan, text: string, places: Places): WeakestDemand {
  const { grams, label } = easiestWay(plan)
  const identifier = label.split(' ', 1)[0]
  const string = grams > 0 ? rule.strings.find((one) => one.identifier === identifier) : undefined
  if (string !== undefined) return { ...places.of(string.span.from), term: shortened(string.identifier) }
  const { from, to } = rule.condition.span
  const condition = text.slice(from, Math.min(to, from + 2 * LONGEST_TERM))
  return { ...places.of(from), term: shortened(condition.replace(/\s+/g, ' ')) }
}

function shortened(term: string): string {
  return term.length > LONGEST_TERM ? `${term.slice(0, LONGEST_TERM)} …` : term
}

interface Demanded {
  readonly grams: number
  /** Of the string that most of them are of. */
  readonly label: string
}

/** The fewest grams with which a sample gets through the plan. Each part of a plan is gone down once. */
export const easiestWay = memoized((plan: Plan): Demanded => {
  switch (plan.kind) {
    case 'grams':
      return { grams: plan.grams.length, label: plan.label }
    case 'and':
      return together(plan.parts.map(easiestWay))
    case 'or':
      return plan.parts.map(easiestWay).reduce((one, other) => (other.grams < one.grams ? other : one), {
        grams: Number.POSITIVE_INFINITY,
        label: '',
      })
    case 'atLeast': {
      const parts = plan.parts.map(easiestWay).sort((one, other) => one.grams - other.grams)
      return together(parts.slice(0, plan.count))
    }
    default:
      return nothing
  }
})

const nothing: Demanded = { grams: 0, label: '' }

function together(parts: readonly Demanded[]): Demanded {
  return {
    grams: parts.reduce((sum, { grams }) => sum + grams, 0),
    label: parts.reduce((one, other) => (other.grams > one.grams ? other : one), nothing).label,
  }
}
