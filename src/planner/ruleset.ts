import type { SourceFile } from '../yara/index.ts'
import { adviceFor, unindexableStrings } from './advice.ts'
import { allOf, anyOf, never } from './algebra.ts'
import { demandOf } from './conditions.ts'
import type { Plan, RulePlan, RulesetPlan } from './plan.ts'
import { Effort, type PlannedRule, type Scope } from './scope.ts'

/** Nodes and grams of a ruleset's plan; heavier, every sample is scanned with it. */
const MAX_RULESET_WEIGHT = 5_000_000

/**
 * What every rule of a text demands of a sample. Pure; gives an answer for any tree, also for one made from a text that
 * does not compile, in bounded time.
 */
export function planRuleset(file: SourceFile): RulesetPlan {
  const planned = new Map<string, PlannedRule | null>(file.rules.map((rule) => [rule.name, null]))
  const conditions = file.rules.map((rule) => {
    const scope: Scope = { rule, current: null, variables: new Map(), rules: planned, effort: new Effort() }
    const plan = demandOf(rule.condition, scope)
    planned.set(rule.name, { plan, scope })
    return plan
  })
  // Where a global rule does not match, no rule of the text does.
  const globals = conditions.filter((_, i) => file.rules[i]?.isGlobal)
  const rules = file.rules.map((rule, i): RulePlan => {
    const plan = allOf([...globals, conditions[i] as Plan])
    return {
      rule: rule.name,
      isPrivate: rule.isPrivate,
      plan,
      unindexable: unindexableStrings(rule),
      advice: adviceFor(rule, plan),
    }
  })
  const reported = rules.filter((rule) => !rule.isPrivate).map((rule) => rule.plan)
  const plan = reported.length === 0 ? never('there is no rule that is reported') : anyOf(reported, MAX_RULESET_WEIGHT)
  return { rules, plan }
}
