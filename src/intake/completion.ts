/**
 * Commits examined samples, many at a time: their segment is written and synced first, then one transaction makes rows,
 * matches and segment true together. A sample that was not matched against exactly what is enabled at that instant is
 * not committed; it comes back as `behind`.
 */
import { sql } from 'kysely'
import type { Matches } from '../matches/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import type { PreparedSegment, Segments } from '../segments/index.ts'
import { type Database, listOf, now, type Transaction, type UnitOfWork, unitOf } from '../store/index.ts'
import type { Examined } from './examination.ts'

export interface CompletionParts {
  readonly database: Database
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly segments: Segments
}

/** Where what samples match is recorded, in the transaction that makes them processed. */
export interface MatchRecord {
  record(tx: UnitOfWork, scan: Parameters<Matches['record']>[1]): Promise<unknown>
}

export interface Completed {
  /** Not committed: the enabled rulesets are others by now. */
  readonly behind: readonly Examined[]
  readonly committed: readonly Examined[]
}

/** `waits` returns whether a sample waits for its members; it is committed, but stays in the queue. */
export async function complete(
  { database, rulesets, matches, segments }: CompletionParts,
  batch: readonly Examined[],
  waits: (sample: number) => boolean,
): Promise<Completed> {
  const generation = await rulesets.generation()
  const current = batch.filter(({ live }) => live.generation === generation)
  const behind = batch.filter(({ live }) => live.generation !== generation)
  if (current.length === 0) return { behind, committed: [] }

  const signed = current.flatMap(({ queued, signature }) =>
    signature === null || queued.indexed ? [] : [{ id: queued.id, record: signature }],
  )
  const prepared = signed.length > 0 ? segments.write(signed.sort((a, b) => a.id - b.id)) : null
  try {
    const committed = await database.transaction().execute(async (trx) => {
      // The one look that counts: what is enabled cannot change before this transaction ends.
      if ((await rulesets.generation(unitOf(trx, 'completeSamples'))) !== generation) return false
      await commit(trx, { matches, segments }, current, prepared, waits)
      return true
    })
    if (!committed) {
      if (prepared) await segments.discard(prepared)
      return { behind: batch, committed: [] }
    }
  } catch (error) {
    if (prepared) await segments.discard(prepared)
    throw error
  }
  for (const { queued, errors } of current) await rulesets.reportScanErrors(queued.id, errors)
  return { behind, committed: current }
}

async function commit(
  trx: Transaction,
  { matches, segments }: { readonly matches: MatchRecord; readonly segments: Segments },
  batch: readonly Examined[],
  prepared: PreparedSegment | null,
  waits: (sample: number) => boolean,
): Promise<void> {
  const at = now()
  const segment = prepared && (await segments.publish(unitOf(trx, 'completeSamples'), prepared))
  const rows = batch.map(({ queued: { id, note, indexed }, identification, signature, remarks }) => {
    const waiting = waits(id)
    return {
      id,
      state: waiting ? 'queued' : 'processed',
      intake: waiting ? JSON.stringify({ ...note, stage: 'members' }) : null,
      file_type: identification.fileType,
      type_description: identification.description,
      processed_at: waiting ? null : at,
      // Its remarks were written when it was unpacked.
      keeps_note: note.stage === 'rematch',
      note: remarks.length > 0 ? remarks.join(' ') : null,
      is_archive: identification.isArchive || identification.holdsArchive === true,
      segment_id: signature !== null && !indexed ? segment : null,
    }
  })
  // One statement for all: building and running one each would cost as much as everything else that is done here.
  await sql`
    UPDATE samples SET
      state = finished.row ->> 'state',
      intake = finished.row ->> 'intake',
      file_type = finished.row ->> 'file_type',
      type_description = finished.row ->> 'type_description',
      processed_at = finished.row ->> 'processed_at',
      note = iif(finished.row ->> 'keeps_note', note, finished.row ->> 'note'),
      extracted_file_count = iif(
        finished.row ->> 'is_archive',
        (SELECT count(*) FROM members WHERE parent_id = samples.id),
        extracted_file_count
      ),
      segment_id = coalesce(finished.row ->> 'segment_id', segment_id)
    FROM (SELECT value AS row FROM json_each(${JSON.stringify(rows)})) AS finished
    WHERE samples.id = finished.row ->> 'id'`.execute(trx)
  for (const { queued, hits } of batch) {
    if (hits.length > 0) await matches.record(unitOf(trx, 'completeSamples'), { sampleId: queued.id, hits, at })
  }
}

/**
 * Takes archives whose members are all processed out of the queue, those that were matched against what is enabled now.
 * The others are put back to be matched again.
 */
export async function completeArchives(
  { database, rulesets }: CompletionParts,
  archives: readonly { readonly id: number; readonly generation: number | null }[],
): Promise<{
  readonly processed: readonly { readonly id: number; readonly size: number; readonly parent: number | null }[]
  readonly behind: readonly number[]
}> {
  return database.transaction().execute(async (trx) => {
    const generation = await rulesets.generation(unitOf(trx, 'completeSamples'))
    const ids = archives.filter((archive) => archive.generation === generation).map(({ id }) => id)
    const behind = archives.filter((archive) => archive.generation !== generation).map(({ id }) => id)
    const processed = await trx
      .selectFrom('samples')
      .select(['id', 'size', sql<number | null>`json_extract(intake, '$.parent')`.as('parent')])
      .where('id', 'in', listOf(ids))
      .execute()
    await trx
      .updateTable('samples')
      .set({ state: 'processed', intake: null, processed_at: now() })
      .where('id', 'in', listOf(ids))
      .execute()
    if (behind.length > 0) {
      await trx
        .updateTable('samples')
        .set({ intake: sql<string>`json_set(intake, '$.stage', 'rematch')` })
        .where('id', 'in', behind)
        .where('state', '=', 'queued')
        .execute()
    }
    return { processed, behind }
  })
}
