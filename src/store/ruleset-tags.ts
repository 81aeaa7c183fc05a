/** Words that users give rulesets, to find them again. */
export interface StoredRulesetTags {
  /** Of each of these rulesets that has any, by tag. */
  listOfEach(rulesetIds: readonly number[]): Promise<Map<number, string[]>>
  /** All tags of the appliance's own rulesets, by tag, with how many rulesets have each. */
  count(): Promise<{ readonly tag: string; readonly rulesets: number }[]>
  /** Those that a ruleset has already stay. */
  add(rulesetId: number, tags: readonly string[]): Promise<void>
  remove(rulesetId: number, tags: readonly string[]): Promise<void>
}
