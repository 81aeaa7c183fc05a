/** What every kind of hunt does with its row in `hunts`: change its state, and record how far it is. */
import {
  type ClaimedHunt,
  type HuntCounts,
  type HuntKind,
  type HuntState,
  now,
  type Store,
  type UnitOfWork,
  unfinishedStates,
} from '../store/index.ts'
import { type Checkpoint, countUpTo } from './checkpoint.ts'

export { type ClaimedHunt, type HuntKind, type HuntState, unfinishedStates }

export function hasEnded(state: HuntState): boolean {
  return !(unfinishedStates as readonly HuntState[]).includes(state)
}

type Entered = Exclude<HuntState, 'starting' | 'stopped'>

/**
 * The one place where the work on a hunt changes its state. False, and nothing is changed, when a user stopped or
 * removed the hunt meanwhile, or somebody else has claimed it.
 */
export async function enter(
  store: Store,
  hunt: ClaimedHunt,
  state: Entered,
  failure?: string | null,
): Promise<boolean> {
  return store.transaction('changeHunt', (tx) => enterWithin(tx, hunt, state, failure))
}

/** The same as a part of a unit of work, which is one that those who read events wait for. */
export async function enterWithin(
  { hunts }: UnitOfWork,
  hunt: ClaimedHunt,
  state: Entered,
  failure?: string | null,
): Promise<boolean> {
  return hunts.enter(hunt, state, now(), failure)
}

/** A user, or a tenant, stops a hunt: false when it has ended already. */
export async function stop(store: Store, id: number, by: number): Promise<boolean> {
  return store.transaction('changeHunt', ({ hunts }) => hunts.stop(id, by, now()))
}

/** The same for the one of its kind that is under way. */
export async function stopKind(store: Store, kind: HuntKind, by: number): Promise<boolean> {
  return store.transaction('changeHunt', ({ hunts }) => hunts.stopKind(kind, by, now()))
}

/** How far a hunt is, and what it took. */
export interface HuntProgress {
  /** Covered samples, and how many of them are decided. */
  readonly samples: number
  readonly processed: number
  /** (sample, ruleset) pairs that the index could not rule out, the bytes scanned, and samples above the size limit. */
  readonly candidates: number
  readonly scannedBytes: number
  readonly skipped: number
  readonly matches: number
  /** Milliseconds until the end at the rate so far; null when it cannot be estimated. */
  readonly timeLeft: number | null
}

export function progressOf(counts: HuntCounts): HuntProgress {
  const { samples, processed, candidates, scannedBytes, skipped, matches } = counts
  return { samples, processed, candidates, scannedBytes, skipped, matches, timeLeft: timeLeft(counts) }
}

/** The first samples tell little: workers start, rules are compiled, and the index is read for the first time. */
const TELLING_SHARE = 0.02
const TELLING_MICROS = 30_000_000

/** In milliseconds, by the pace so far; null while that tells little. */
function timeLeft({ state, started, samples, processed }: HuntCounts): number | null {
  if (state !== 'running' || processed === 0 || started === null) return null
  const took = now() - started
  if (processed < TELLING_SHARE * samples && took < TELLING_MICROS) return null
  return Math.round((took / 1000) * (samples / processed - 1))
}

/**
 * Records within the caller's unit of work that a checkpoint is decided. `found` is told how many
 * matches the hunt had before and returns how many new ones the checkpoint gave. It is only called while the hunt
 * still runs in this hand; false when it does not, and then nothing is stored.
 *
 * @param only the ascending ids that the hunt is restricted to; null for all
 */
export async function advance(
  { hunts, corpus }: UnitOfWork,
  claimed: ClaimedHunt,
  checkpoint: Checkpoint,
  only: Uint32Array | null,
  found: (before: number) => Promise<number>,
): Promise<boolean> {
  const hunt = await hunts.findRunning(claimed)
  if (!hunt) return false
  const matches = await found(hunt.matches)
  const decided = only
    ? countUpTo(only, checkpoint.upTo) - countUpTo(only, hunt.cursor)
    : await corpus.count(hunt.cursor, checkpoint.upTo)
  const { upTo: cursor, candidates, scannedBytes, skipped } = checkpoint
  // Samples of the range that were still being taken in at the start are decided live, and were not counted.
  const processed = Math.min(hunt.samples, hunt.processed + decided)
  await hunts.advance(claimed, { cursor, processed, candidates, scannedBytes, skipped, matches })
  return true
}
