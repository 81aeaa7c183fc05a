/** The rulesets of an installation: their texts, revisions and conditions, and which of them run. */
export { revisionIdOf, revisionKey } from '../matches/index.ts'
export type { RuleSummary } from '../store/index.ts'
export {
  type RulesetEntry,
  type RulesetOrder,
  type RulesetQuery,
  type RulesetStatus,
  rulesetOrders,
} from './listing.ts'
export { rulesetNameOf } from './names.ts'
export { rulesetPlanner } from './ruleset-planner.ts'
export {
  type Checker,
  type Revision,
  type RevisionEntry,
  type RulesetMirror,
  type RulesetState,
  Rulesets,
  type SaveOutcome,
} from './rulesets.ts'
export type { LiveSet, RulesetPlanner } from './runnable-rulesets.ts'
export { type TenantRuleset, TenantRulesets } from './tenant-rulesets.ts'
