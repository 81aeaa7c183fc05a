/** What a change of a ruleset writes, within its unit of work; each tells whether what runs has changed. */
import { replaceRules } from '../matches/index.ts'
import { now, type RulesetState, type StoredRuleset, type UnitOfWork } from '../store/index.ts'
import { formatLeftOut } from './left-out.ts'
import type { ChangePurpose, RulesetObserver } from './observer.ts'
import { runs } from './stored-ruleset.ts'

type Observers = readonly RulesetObserver[]

/** Enabling takes back a suspension. */
export function stateWhenSwitched({ state }: StoredRuleset, enabled: boolean): RulesetState {
  return enabled && state === 'error' ? 'valid' : state
}

/** Enabling also takes back a date of expiry that has come. */
export async function switchRuleset(
  tx: UnitOfWork,
  observers: Observers,
  ruleset: StoredRuleset,
  enabled: boolean,
  purpose: ChangePurpose = {},
): Promise<boolean> {
  const { id, expires } = ruleset
  const state = stateWhenSwitched(ruleset, enabled)
  const isWell = enabled && state === 'valid'
  await tx.rulesets.setEnabled(id, { enabled, state, ...(isWell && { reason: formatLeftOut(ruleset.leftOut) }) })
  if (enabled) {
    await tx.scanFailures.deleteAll(id)
    if (expires !== null && expires <= now()) await tx.rulesets.setNotes(id, { expires: null })
  }
  for (const observer of observers) await observer.recordChange(tx, id, purpose, ruleset)
  return runs(ruleset) !== isWell
}

/** With its revisions and matches. */
export async function removeRuleset(
  tx: UnitOfWork,
  observers: Observers,
  name: string,
  ruleset: StoredRuleset,
  purpose: ChangePurpose = {},
): Promise<boolean> {
  const { id } = ruleset
  await replaceRules(tx, id, [], [])
  for (const observer of observers) await observer.recordRemoval(tx, { id, name }, purpose, ruleset)
  await tx.rulesets.delete(id)
  return runs(ruleset)
}
