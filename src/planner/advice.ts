import type { Rule, StringDefinition } from '../yara/index.ts'
import { memoized } from './memoized.ts'
import type { Fact, Plan } from './plan.ts'
import type { TextBudget } from './scope.ts'
import { isDropped, shortened, stringPlan, TOO_MANY_LITERALS, whyUnindexable } from './strings.ts'

/** Keys from which on it is worth telling that each is looked up by itself. */
const MANY_KEYS = 64
/** A plan that asks for no more grams than this lets many samples through by chance. */
const FEW_GRAMS = 3

/** The strings of a rule that no gram stands for, with the reason in plain words. */
export function unindexableStrings(rule: Rule, budget: TextBudget): { identifier: string; why: string }[] {
  return rule.strings
    .filter((string) => stringPlan(string, budget).kind === 'may')
    .map((string) => ({
      identifier: shortened(string.identifier),
      why: isDropped(string) ? TOO_MANY_LITERALS : whyUnindexable(string),
    }))
}

/** What a small change to the rule would gain. */
export function adviceFor(rule: Rule, plan: Plan): string[] {
  const advice: string[] = []
  if (plan.kind === 'may')
    advice.push(`Every sample must be scanned (${plan.why}); demand a longer string or a header.`)
  else if (plan.kind !== 'never' && leastGrams(plan) === 0) {
    advice.push(
      'Only facts such as size and header narrow the hunt; a string of six bytes or more would narrow it far.',
    )
  } else if (leastGrams(plan) <= FEW_GRAMS) {
    advice.push(`Few bytes of the rule are fixed; longer runs without wildcards would rule out more samples.`)
  }
  for (const string of rule.strings) {
    const keys = keysOf(string)
    if (keys < MANY_KEYS) continue
    advice.push(
      `${shortened(string.identifier)} is looked up under ${keys} keys; a range such as xor(1-32) would be faster.`,
    )
  }
  return advice
}

function keysOf({ modifiers }: StringDefinition): number {
  return modifiers.xor === null ? 0 : modifiers.xor.to - modifiers.xor.from + 1
}

/** Grams that a sample must hold on the easiest way through the plan; a selective fact is worth any number. */
const leastGrams = memoized((plan: Plan): number => {
  switch (plan.kind) {
    case 'grams':
      return plan.grams.length
    case 'and':
      return plan.parts.reduce((sum, part) => sum + leastGrams(part), 0)
    case 'or':
      return plan.parts.reduce((fewest, part) => Math.min(fewest, leastGrams(part)), Number.POSITIVE_INFINITY)
    case 'atLeast':
      return plan.parts
        .map(leastGrams)
        .sort((left, right) => left - right)
        .slice(0, plan.count)
        .reduce((sum, grams) => sum + grams, 0)
    case 'fact':
      return isSelective(plan.fact) ? Number.POSITIVE_INFINITY : 0
    default:
      return 0
  }
})

/** Few samples have the digest, the signer or the name; sizes, headers and types are those of very many. */
function isSelective(fact: Fact): boolean {
  if (fact.kind === 'variable') return fact.variable !== 'filetype' && !fact.isNegated
  return ['hash', 'signer', 'programText'].includes(fact.kind)
}
