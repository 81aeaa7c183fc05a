/**
 * How a ruleset stands with the manager's:
 *
 * | state | when |
 * |---|---|
 * | InSync | it is as the manager has it |
 * | Publishing | it was published here, and the manager has not answered yet |
 * | OutOfSync | it is not as the manager has it; where the manager has something newer, a person decides |
 * | Error | what the manager has could not be taken; it is tried again |
 */
import type { SharedBesideOwn, SharedState } from '../store/index.ts'

export type SyncState = 'InSync' | 'Publishing' | 'OutOfSync' | 'Error'

export const nothing: SharedState = { digest: null, enabled: false }

export function isSame(one: SharedState, other: SharedState): boolean {
  return one.digest === other.digest && (one.digest === null || one.enabled === other.enabled)
}

/** It was deleted for all, and is not shared any more: what is here under its name is this appliance's own. */
export function isOver({ digest, taken, sequence, waiting, problem }: SharedBesideOwn): boolean {
  return digest === null && taken === sequence && waiting === 0 && problem === null
}

/** The manager has something that was not taken here. */
export function isBehind({ taken, sequence }: SharedBesideOwn): boolean {
  return taken < sequence
}

export function syncStateOf(shared: SharedBesideOwn, own: SharedState): SyncState {
  if (shared.waiting > 0) return 'Publishing'
  if (shared.problem !== null) return 'Error'
  return isSame(own, shared) ? 'InSync' : 'OutOfSync'
}
