/** What has to hold before a ruleset may be changed. */
import { type Account, may } from '../accounts/index.ts'
import { Failure, type FailureCode } from '../errors/index.ts'
import type { Repositories, StoredRuleset } from '../store/index.ts'
import { checkName } from './names.ts'
import type { NewText, SaveOutcome } from './revision.ts'

/** By name. `ruleset.name-invalid`, `ruleset.not-found`, each with a message of its own where one is given. */
export async function existing(
  { rulesets }: Pick<Repositories, 'rulesets'>,
  name: string,
  messages: { readonly malformed?: string; readonly missing?: string } = {},
): Promise<StoredRuleset> {
  checkName(name, 'ruleset.name-invalid', messages.malformed)
  const ruleset = await rulesets.findByName(name)
  if (!ruleset) throw new Failure('ruleset.not-found', messages.missing)
  return ruleset
}

export function runs(ruleset: StoredRuleset): boolean {
  return ruleset.enabled && ruleset.state === 'valid'
}

/** Fails for a core ruleset, and for another user's unless the account may change any. */
export function checkOwner(by: Account, ruleset: StoredRuleset, ifCore?: string, ifForeign?: string): void {
  const refuse = (code: FailureCode, message?: string): never => {
    throw new Failure(code, message)
  }
  if (ruleset.core) refuse('ruleset.core', ifCore)
  if (ruleset.ownerId !== by.id && !may(by, 'rulesets.change-any')) refuse('ruleset.foreign', ifForeign)
}

/**
 * Fails where the account may not give the ruleset of this name another text, or not now: as `checkOwner`, `ruleset.busy`
 * while a cloud works on it, and for a core text `ruleset.exists` where the name is a user's. Null: the name is free.
 */
export function demandSavable(by: Account, ruleset: StoredRuleset | null, core: boolean): void {
  if (ruleset === null) return
  if (core && !ruleset.core) throw new Failure('ruleset.exists')
  if (core) return
  checkOwner(by, ruleset)
  const { cloudState } = ruleset
  if (cloudState === 'validating' || cloudState === 'hunting') throw new Failure('ruleset.busy')
}

/** Whether the name still stands for the same ruleset with the same text, or still for none. */
export function hasSameText(now: StoredRuleset | null, before: StoredRuleset | null): boolean {
  return now?.id === before?.id && now?.revisionId === before?.revisionId
}

/** Fails with `ruleset.changed` for a text that was not made of the current revision; 0 stands for no ruleset. */
export function demandCurrent({ name, replaces }: Pick<NewText, 'name' | 'replaces'>, current: number): void {
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
    cloudSynced: ruleset.cloudSynced,
    state: ruleset.state,
    diagnostics: ruleset.diagnostics,
    leftOut: ruleset.leftOut,
  }
}
