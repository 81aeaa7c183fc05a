import type { RuleSummary } from './schema.ts'

/** The texts of rulesets, each as it was saved, with the rules in it. */
export interface StoredRevisions {
  /** By revision; those that are gone are missing. */
  rulesOf(ids: readonly number[]): Promise<ReadonlyMap<number, readonly RuleSummary[]>>
  /** The rules of each revision, beside the ones of its ruleset's last revision that compiled. */
  rulesThenAndNow(ids: readonly number[]): Promise<
    {
      readonly id: number
      readonly rules: readonly RuleSummary[]
      readonly currentRules: readonly RuleSummary[]
    }[]
  >
  /** The enabled rulesets of this installation itself that the revisions are of; `current`: the ruleset's revision now. */
  findEnabled(
    ids: readonly number[],
  ): Promise<{ readonly id: number; readonly rulesetId: number; readonly current: number | null }[]>
}
