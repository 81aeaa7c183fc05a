/** One change of many rulesets: what cannot be changed is named, and the rest is. */
import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { StoredRuleset, UnitOfWork } from '../store/index.ts'
import { removeRuleset, switchRuleset } from './changing.ts'
import { demandRoomForTags } from './notes.ts'
import type { ChangePurpose, RulesetObserver } from './observer.ts'
import { checkOwner, existing } from './stored-ruleset.ts'

export type BulkChange =
  | { readonly kind: 'enable' | 'disable' | 'delete' }
  | { readonly kind: 'add-tags' | 'remove-tags'; readonly tags: readonly string[] }

export interface BulkOutcome {
  readonly done: readonly string[]
  readonly failed: readonly { readonly name: string; readonly failure: Failure }[]
}

interface Parts {
  readonly observers: readonly RulesetObserver[]
  /** Of each switch and each deletion. */
  readonly purpose: ChangePurpose
  /** Runs a unit of work that tells whether what runs has changed. */
  readonly change: (change: (tx: UnitOfWork) => Promise<boolean>) => Promise<void>
  /** Runs work while nothing else changes these rulesets. */
  readonly whileLocked: <T>(names: readonly string[], work: () => Promise<T>) => Promise<T>
}

/** Rulesets of one unit of work. All others wait for its end, and matches go with a ruleset that is deleted. */
const AT_ONCE = 50
const DELETED_AT_ONCE = 10

export async function changeMany(
  { observers, purpose, change, whileLocked }: Parts,
  by: Account,
  names: readonly string[],
  wanted: BulkChange,
): Promise<BulkOutcome> {
  const all = [...new Set(names)].sort()
  const atOnce = wanted.kind === 'delete' ? DELETED_AT_ONCE : AT_ONCE
  const outcomes: BulkOutcome[] = []
  for (let start = 0; start < all.length; start += atOnce) {
    const some = all.slice(start, start + atOnce)
    outcomes.push(
      await whileLocked(some, async () => {
        let done: string[] = []
        let failed: { name: string; failure: Failure }[] = []
        await change(async (tx) => {
          // A unit of work may be run again from its start.
          done = []
          failed = []
          let isLiveChanged = false
          for (const name of some) {
            const ruleset = await changeable(tx, by, name, wanted)
            if (ruleset instanceof Failure) failed.push({ name, failure: ruleset })
            else {
              if (await applyTo(tx, { observers, purpose }, name, ruleset, wanted)) isLiveChanged = true
              done.push(name)
            }
          }
          return isLiveChanged
        })
        return { done, failed }
      }),
    )
  }
  return { done: outcomes.flatMap(({ done }) => done), failed: outcomes.flatMap(({ failed }) => failed) }
}

/** The ruleset, or why it stays as it is. Writes nothing, so that a refusal leaves nothing half done. */
async function changeable(
  tx: UnitOfWork,
  by: Account,
  name: string,
  wanted: BulkChange,
): Promise<StoredRuleset | Failure> {
  try {
    const ruleset = await existing(tx, name)
    checkOwner(by, ruleset)
    if (wanted.kind === 'add-tags') await demandRoomForTags(tx, ruleset.id, wanted.tags)
    return ruleset
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

async function applyTo(
  tx: UnitOfWork,
  { observers, purpose }: Pick<Parts, 'observers' | 'purpose'>,
  name: string,
  ruleset: StoredRuleset,
  wanted: BulkChange,
): Promise<boolean> {
  switch (wanted.kind) {
    case 'enable':
    case 'disable':
      return switchRuleset(tx, observers, ruleset, wanted.kind === 'enable', purpose)
    case 'delete':
      return removeRuleset(tx, observers, name, ruleset, purpose)
    case 'add-tags':
      await tx.rulesetTags.add(ruleset.id, wanted.tags)
      return false
    case 'remove-tags':
      await tx.rulesetTags.remove(ruleset.id, wanted.tags)
      return false
  }
}
