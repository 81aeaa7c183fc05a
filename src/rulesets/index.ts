/** The rulesets of an installation: their texts, revisions and conditions, and which of them run. */
export { revisionIdOf, revisionKey } from '../matches/index.ts'
export type { RuleSummary } from '../store/index.ts'
export { KnownTexts } from './known-texts.ts'
export {
  type RulesetEntry,
  type RulesetOrder,
  type RulesetQuery,
  type RulesetStatus,
  rulesetOrders,
} from './listing.ts'
export { checkName, rulesetNameOf, rulesetNamesOf } from './names.ts'
export type { NewText, Revision, RevisionEntry, RulesetState, SaveOutcome } from './revision.ts'
export { type Checker, type RulesetObserver, Rulesets } from './rulesets.ts'
export type { LiveSet, RulesetPlanner } from './runnable-rulesets.ts'
export { type TenantRuleset, TenantRulesets } from './tenant-rulesets.ts'
export { textDigest } from './text-digest.ts'
