/** What every kind of hunt does with its row in `hunts`: change its state, and record how far it is. */
import type { Selectable } from 'kysely'
import { type Database, type HuntsTable, now, type Transaction } from '../store/index.ts'
import { type Checkpoint, countUpTo } from './checkpoint.ts'
import { countProcessed } from './processed-samples.ts'

export type HuntKind = HuntsTable['kind']
export type HuntState = HuntsTable['state']

export const unfinishedStates = ['queued', 'starting', 'running'] as const satisfies readonly HuntState[]

export function hasEnded(state: HuntState): boolean {
  return !(unfinishedStates as readonly HuntState[]).includes(state)
}

/**
 * The one place where the work on a hunt changes its state. False, and nothing is changed, when a user stopped or
 * removed the hunt meanwhile.
 */
export async function enter(
  database: Database,
  id: number,
  state: Exclude<HuntState, 'starting' | 'stopped'>,
  failure?: string | null,
): Promise<boolean> {
  const at = now()
  const { numUpdatedRows } = await database
    .updateTable('hunts')
    .set(({ ref, fn, val }) => ({
      state,
      ...(failure !== undefined && { failure }),
      ...(state === 'running' && { started: fn.coalesce('started', val(at)) }),
      ...(hasEnded(state) && { stopped: at }),
      // Samples that were deleted meanwhile are decided too.
      ...(state === 'completed' && { processed: ref('samples') }),
    }))
    .where('id', '=', id)
    .where('state', 'in', unfinishedStates)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
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

export function progressOf(
  row: Pick<
    Selectable<HuntsTable>,
    'state' | 'started' | 'samples' | 'processed' | 'candidates' | 'scanned_bytes' | 'skipped' | 'matches'
  >,
): HuntProgress {
  return {
    samples: row.samples,
    processed: row.processed,
    candidates: row.candidates,
    scannedBytes: row.scanned_bytes,
    skipped: row.skipped,
    matches: row.matches,
    timeLeft: timeLeft(row),
  }
}

/** The first samples tell little: workers start, rules are compiled, and the index is read for the first time. */
const TELLING_SHARE = 0.02
const TELLING_MICROS = 30_000_000

/** In milliseconds, by the pace so far; null while that tells little. */
function timeLeft({
  state,
  started,
  samples,
  processed,
}: Pick<Selectable<HuntsTable>, 'state' | 'started' | 'samples' | 'processed'>): number | null {
  if (state !== 'running' || processed === 0 || started === null) return null
  const took = now() - started
  if (processed < TELLING_SHARE * samples && took < TELLING_MICROS) return null
  return Math.round((took / 1000) * (samples / processed - 1))
}

/**
 * Records within the caller's transaction that a checkpoint is decided. `found` is told how many
 * matches the hunt had before and returns how many new ones the checkpoint gave. It is only called while the hunt
 * still runs; false when it does not, and then nothing is stored.
 *
 * @param only the ascending ids that the hunt is restricted to; null for all
 */
export async function advance(
  trx: Transaction,
  id: number,
  checkpoint: Checkpoint,
  only: Uint32Array | null,
  found: (before: number) => Promise<number>,
): Promise<boolean> {
  const hunt = await trx
    .selectFrom('hunts')
    .select(['cursor', 'samples', 'processed', 'matches'])
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  if (!hunt) return false
  const matches = await found(hunt.matches)
  const decided = only
    ? countUpTo(only, checkpoint.upTo) - countUpTo(only, hunt.cursor)
    : await countProcessed(trx, hunt.cursor, checkpoint.upTo)
  await trx
    .updateTable('hunts')
    .set(({ eb }) => ({
      cursor: checkpoint.upTo,
      // Samples of the range that were still being taken in at the start are decided live, and were not counted.
      processed: Math.min(hunt.samples, hunt.processed + decided),
      candidates: eb('candidates', '+', checkpoint.candidates),
      scanned_bytes: eb('scanned_bytes', '+', checkpoint.scannedBytes),
      skipped: eb('skipped', '+', checkpoint.skipped),
      matches: eb('matches', '+', matches),
    }))
    .where('id', '=', id)
    .execute()
  return true
}
