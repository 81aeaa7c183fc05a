import type { SourceFile } from '../yara/index.ts'
import { adviceFor, unindexableStrings } from './advice.ts'
import { allOf, anyOf, givenUp, isGivenUp, never } from './algebra.ts'
import { demandOf } from './conditions.ts'
import type { Plan, PlanWarning, RulePlan, RulesetPlan } from './plan.ts'
import { Effort, type PlannedRule, type Scope, TextBudget } from './scope.ts'
import { isDropped, shortened, TOO_MANY_LITERALS } from './strings.ts'

/** Nodes and grams of a ruleset's plan; heavier, every sample is scanned with it. */
const MAX_RULESET_WEIGHT = 5_000_000

/**
 * What every rule of a text demands of a sample. Pure; gives an answer for any tree, also for one made from a text that
 * does not compile, in bounded time.
 *
 * Where the text as a whole was not understood, every sample may match it; where one rule was not, only that rule, and
 * what refers to it, demands nothing.
 */
export function planRuleset(file: SourceFile): RulesetPlan {
  const planned = new Map<string, PlannedRule | null>(file.rules.map((rule) => [rule.name, null]))
  const budget = new TextBudget()
  const conditions = file.rules.map((rule) => {
    const scope: Scope = { rule, current: null, variables: new Map(), rules: planned, effort: new Effort(budget) }
    const plan = rule.notUnderstood === undefined ? demandOf(rule.condition, scope) : givenUp(rule.notUnderstood)
    planned.set(rule.name, { plan, scope })
    return plan
  })
  // Where a global rule does not match, no rule of the text does.
  const globals = conditions.filter((_, i) => file.rules[i]?.isGlobal)
  const rules = file.rules.map((rule, i): RulePlan => {
    const plan = file.notUnderstood === null ? allOf([...globals, conditions[i] as Plan]) : givenUp(file.notUnderstood)
    return {
      rule: rule.name,
      isPrivate: rule.isPrivate,
      plan,
      unindexable: unindexableStrings(rule, budget),
      advice: adviceFor(rule, plan),
    }
  })
  const warnings = warningsOf(file, rules)
  if (file.notUnderstood !== null) return { rules, warnings, plan: givenUp(file.notUnderstood) }
  const reported = rules.filter((rule) => !rule.isPrivate).map((rule) => rule.plan)
  const plan = reported.length === 0 ? never('there is no rule that is reported') : anyOf(reported, MAX_RULESET_WEIGHT)
  return { rules, warnings, plan }
}

/** Nobody reads more than this. */
const MAX_WARNINGS = 20

function warningsOf(file: SourceFile, rules: readonly RulePlan[]): PlanWarning[] {
  if (file.notUnderstood !== null) {
    const message = `These rules are hunted without the index, so every sample is scanned: ${file.notUnderstood}.`
    return [{ message, span: file.diagnostics[0]?.span ?? { from: 0, to: 0 } }]
  }
  const warnings = file.rules.flatMap(({ name, nameSpan }, i) => {
    const plan = rules[i]?.plan
    if (plan === undefined || !isGivenUp(plan)) return []
    const message = `The rule ${shortened(name)} is hunted without the index, so every sample is scanned: ${plan.why}.`
    return [{ message, span: nameSpan }]
  })
  const dropped = file.rules.flatMap(({ strings }) => strings.filter(isDropped))
  if (dropped[0] !== undefined) {
    const from = shortened(dropped[0].identifier)
    const message =
      dropped.length === 1
        ? `The string ${from} is not looked up in the index: ${TOO_MANY_LITERALS}.`
        : `${dropped.length} strings, from ${from} on, are not looked up in the index: ${TOO_MANY_LITERALS}.`
    warnings.push({ message, span: dropped[0].span })
  }
  return warnings.slice(0, MAX_WARNINGS)
}
