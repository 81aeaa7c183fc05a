import type { Micros } from './clock.ts'

/** What users, core rules and tenants have the engine look for. */
export interface StoredRulesets {
  /** All rulesets of one user become another one's. */
  changeOwner(from: number, to: number): Promise<void>
  /** A sample matched them at this time; a later one stays. */
  recordMatch(ids: readonly number[], at: Micros): Promise<void>
  /** Without a match left, nothing was ever matched. */
  forgetLastMatched(id: number): Promise<void>
}
