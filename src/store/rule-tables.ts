import type { AllowedKind } from './allow-lists.ts'
import type { Micros } from './clock.ts'

/** What is known of rulesets and of their single rules, by name. */
export interface RuleTables {
  ruleset_tags: RulesetTagsTable
  verdicts: VerdictsTable
  disabled_rules: DisabledRulesTable
  allow_entries: AllowEntriesTable
}

/** Words that users give rulesets. */
export interface RulesetTagsTable {
  ruleset_id: number
  tag: string
}

/**
 * What the rules of a ruleset's last valid revision say about the samples they match: one row for each rule that is
 * tagged to classify. `threat` is `Type.Name`; `platform` comes before it, from the sample's file type where null.
 */
export interface VerdictsTable {
  ruleset_id: number
  rule: string
  classification: 2 | 3
  risk_score: number
  platform: string | null
  threat: string
}

/** Rules that report no matches, whatever text their ruleset gets. */
export interface DisabledRulesTable {
  ruleset_id: number
  rule: string
  user_id: number
  since: Micros
}

/** Samples whose matches with a rule are not reported. */
export interface AllowEntriesTable {
  ruleset_id: number
  rule: string
  kind: AllowedKind
  value: string
  user_id: number
  created: Micros
}
