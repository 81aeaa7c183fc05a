/** What users, core rules and tenants have the engine look for. */
export interface StoredRulesets {
  /** All rulesets of one user become another one's. */
  changeOwner(from: number, to: number): Promise<void>
}
