/** A ruleset as it is stored, and what has to hold before it may be changed. */
import { type Account, may } from '../accounts/index.ts'
import { Failure, type FailureCode } from '../errors/index.ts'
import type { Diagnostic } from '../yara/index.ts'
import { readLeftOut } from './left-out.ts'
import type { NewText, RulesetState, SaveOutcome } from './revision.ts'

export interface StoredRuleset {
  readonly id: number
  readonly owner_id: number
  readonly core: 0 | 1
  readonly enabled: 0 | 1
  readonly state: RulesetState
  readonly cloud_state: 'validating' | 'hunting' | 'capped' | null
  readonly cloud_synced: 0 | 1
  readonly revision_id: number | null
  readonly number: number | null
  /** Of its text, which is read only where it is needed: it may have many megabytes. Null for one saved long ago. */
  readonly text_digest: Uint8Array | null
  readonly diagnostics: string | null
  readonly left_out: string | null
}

export function runs(ruleset: StoredRuleset): boolean {
  return ruleset.enabled === 1 && ruleset.state === 'valid'
}

/** Fails for a core ruleset, and for another user's unless the account may change any. */
export function checkOwner(by: Account, ruleset: StoredRuleset, ifCore?: string, ifForeign?: string): void {
  const refuse = (code: FailureCode, message?: string): never => {
    throw new Failure(code, message)
  }
  if (ruleset.core) refuse('ruleset.core', ifCore)
  if (ruleset.owner_id !== by.id && !may(by, 'rulesets.change-any')) refuse('ruleset.foreign', ifForeign)
}

/** Fails with `ruleset.changed` for a text that was not made of the current revision; 0 stands for no ruleset. */
export function demandCurrent({ name, replaces }: NewText, current: number): void {
  if (replaces === undefined || replaces === current) return
  const why =
    replaces === 0
      ? `There is a ruleset ${name} already, with revision ${current}; this text was to be a new one.`
      : `${name} was changed meanwhile: ${current === 0 ? 'it was deleted' : `revision ${current} is current`}, and this text was made of revision ${replaces}.`
  throw new Failure('ruleset.changed', why, { name, revision: current, replaces })
}

export function unchangedOutcome(name: string, ruleset: StoredRuleset): SaveOutcome {
  return {
    name,
    created: false,
    revision: ruleset.number ?? 0,
    cloudSynced: ruleset.cloud_synced === 1,
    state: ruleset.state,
    diagnostics: JSON.parse(ruleset.diagnostics ?? '[]') as Diagnostic[],
    leftOut: readLeftOut(ruleset.left_out),
  }
}
