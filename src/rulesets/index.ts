/** The rulesets of an installation: their texts, revisions and conditions, and which of them run. */
export { revisionIdOf, revisionKey } from '../matches/index.ts'
export {
  type RuleSummary,
  type RulesetEntry,
  type RulesetOrder,
  type RulesetQuery,
  type RulesetState,
  type RulesetStatus,
  rulesetOrders,
  type TenantRuleset,
} from '../store/index.ts'
export { AllowLists } from './allow-lists.ts'
export type { BulkChange, BulkOutcome } from './bulk.ts'
export type { CheckedBy, Checker } from './checker.ts'
export { Expiry } from './expiry.ts'
export { KnownTexts } from './known-texts.ts'
export { checkName, rulesetNameOf, rulesetNamesOf } from './names.ts'
export { MOST_RULESET_TAGS, type NotesChange, RulesetNotes } from './notes.ts'
export type { ChangePurpose, RulesetBefore, RulesetObserver } from './observer.ts'
export { compress, encoded, gather, packPieces, packText, piecesOf, unpackText } from './packed-text.ts'
export type { NewText, Revision, RevisionEntry, SaveOutcome } from './revision.ts'
export { type ListedRule, RuleSwitches } from './rule-switches.ts'
export { Rulesets } from './rulesets.ts'
export type { LiveSet, RulesetPlanner } from './runnable-rulesets.ts'
export { checkOwner } from './stored-ruleset.ts'
export { TenantRulesets } from './tenant-rulesets.ts'
export { slicesOf, textDigest } from './text-digest.ts'
