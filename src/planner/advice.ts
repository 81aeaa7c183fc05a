import type { Rule } from '../yara/index.ts'
import type { Plan } from './plan.ts'
import { stringPlan } from './strings.ts'

/** The strings of a rule that no gram stands for, with the reason in plain words. */
export function unindexableStrings(rule: Rule): { identifier: string; why: string }[] {
  return rule.strings.flatMap((string) => {
    const plan = stringPlan(string)
    return plan.kind === 'may' ? [{ identifier: string.identifier, why: plan.why }] : []
  })
}

/** What a small change to the rule would gain. */
export function adviceFor(plan: Plan): string[] {
  const advice: string[] = []
  if (plan.kind === 'may') advice.push(`every sample must be scanned: ${plan.why}`)
  return advice
}
