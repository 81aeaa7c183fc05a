/** What has to hold before a ruleset may be changed. */
import { type Account, may } from '../accounts/index.ts'
import { Failure, type FailureCode } from '../errors/index.ts'
import type { Repositories, StoredRuleset } from '../store/index.ts'
import { checkName } from './names.ts'
import type { NewText, SaveOutcome } from './revision.ts'

/** By name. `ruleset.name-invalid`, `ruleset.not-found`. */
export async function existing({ rulesets }: Pick<Repositories, 'rulesets'>, name: string): Promise<StoredRuleset> {
  checkName(name, 'ruleset.name-invalid')
  const ruleset = await rulesets.findByName(name)
  if (!ruleset) throw new Failure('ruleset.not-found')
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
