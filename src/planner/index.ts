/**
 * The planner: from YARA rules to what they demand of a sample, and from those demands to candidates.
 *
 * Make a plan once per ruleset revision with `planText`, read it in a worker with `readPlan`, ask it about one sample with `mayMatch`, or about all the
 * samples of a segment with a `PlanBatch`.
 */
export { memoized } from './memoized.ts'
export { NamedSamples, type PackedNames, packNames } from './named-samples.ts'
export type { Fact, FactPlan, GramsPlan, Plan, RulePlan, RulesetPlan } from './plan.ts'
export { FEWEST_RULES_APART, type PlannedPart } from './plan-parts.ts'
export {
  everySample,
  type PlannedRule,
  type PlannedText,
  planText,
  type RuleCost,
  unplannedText,
} from './planned-text.ts'
export { printPlan, printRulesetPlan } from './print.ts'
export { planRuleset } from './ruleset.ts'
export { type GroupedSamples, PlanBatch } from './segment-match.ts'
export { mayMatch, type SampleFacts, type SampleSignature } from './signature-match.ts'
export { isCurrentPlan, planHeader, readPlan, writePlan } from './stored-plan.ts'
export { asksForVariables, type SampleVariables } from './variables.ts'
export { easiestWay, type WeakestDemand } from './weakest-demand.ts'
