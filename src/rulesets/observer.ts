import type { StoredRuleset, UnitOfWork } from '../store/index.ts'

/** What a change of a ruleset is for, beside the change itself. */
export interface ChangePurpose {
  /** Whether a cloud shall run it from now on; left out, that stays as it is. */
  readonly cloud?: boolean | undefined
  /** It goes to the other appliances of the cluster, in this user's name. */
  readonly publishAs?: string | undefined
  /** It came from them: this sequence of the manager is taken with it. */
  readonly takes?: number | undefined
  /**
   * Nobody asked for it at this moment: its date of expiry has come, or its rule source has something else. It goes to the
   * other appliances where the ruleset was as they have it.
   */
  readonly byItself?: 'expiry' | 'source' | undefined
}

/** What a change began with; null for a ruleset that was not there. */
export type RulesetBefore = Pick<StoredRuleset, 'digest' | 'revisionId' | 'enabled'> | null

/** Called with each change inside its unit of work, to record what another system has to learn. */
export interface RulesetObserver {
  /** It was saved, enabled or disabled. */
  recordChange(tx: UnitOfWork, rulesetId: number, purpose: ChangePurpose, before: RulesetBefore): Promise<void>
  /** It goes in this transaction; its matches are gone already. */
  recordRemoval(
    tx: UnitOfWork,
    ruleset: { readonly id: number; readonly name: string },
    purpose: ChangePurpose,
    before: RulesetBefore,
  ): Promise<void>
  /** What was recorded is committed. Units may run again, so whatever is not a row waits for this. */
  committed(): void
}
