import type { Segments } from '../segments/index.ts'
import {
  type ContentStore,
  type Database,
  listOf,
  type Store,
  storeOf,
  type Transaction,
  transactionOf,
  unitOf,
} from '../store/index.ts'
import { leaveToCloud } from './cloud-samples.ts'

export interface DeletedRow {
  readonly id: number
  readonly sha256: Uint8Array | null
  readonly segment: number | null
}

/**
 * Deletes samples for good: rows, matches, hits of hunts and sightings in one transaction, then contents. With an
 * archive go the members that no remaining archive holds and that nobody ever sent by themselves: they came with it.
 * Hunts that run see it at once, since they look every candidate up. Gives how many members went along.
 * What a cloud reported of them stays, with rows that have no content.
 */
export async function deleteSamples(
  {
    database,
    contents,
    segments,
  }: { readonly database: Database; readonly contents: ContentStore; readonly segments: Segments },
  ids: readonly number[],
): Promise<number> {
  return contents.withLock(async () => {
    let deleted: readonly DeletedRow[] = []
    await contents.delete(await contentsOf(database, await withMembers(database, ids)), async () => {
      deleted = await deleteSampleRows(storeOf(database), ids)
      return deleted.flatMap(({ sha256 }) => sha256 ?? [])
    })
    segments.forget(deleted.flatMap(({ segment }) => segment ?? []))
    return deleted.length - ids.length
  })
}

/** The rows only, in one transaction; gives those that went, members included. */
export function deleteSampleRows(store: Store, ids: readonly number[]): Promise<readonly DeletedRow[]> {
  return store.transaction('deleteSamples', async (tx) => {
    const trx = transactionOf(tx)
    return deleteRows(trx, await withMembers(trx, ids))
  })
}

async function contentsOf(database: Database, ids: readonly number[]): Promise<Uint8Array[]> {
  const rows = await database.selectFrom('samples').select('sha256').where('id', 'in', listOf(ids)).execute()
  return rows.flatMap(({ sha256 }) => sha256 ?? [])
}

/** The ids, and those of members that are left with nothing to stay for, down through archives in archives. */
async function withMembers(database: Database, ids: readonly number[]): Promise<number[]> {
  const going = new Set(ids)
  let level = [...going]
  while (level.length > 0) {
    const rows = await database
      .selectFrom('members')
      .innerJoin('members as places', 'places.child_id', 'members.child_id')
      .select(['members.child_id as child', 'places.parent_id as parent'])
      .distinct()
      .where('members.parent_id', 'in', listOf(level))
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('sightings')
              .select('sightings.id')
              .whereRef('sightings.sample_id', '=', 'members.child_id')
              .where('sightings.source', '<>', 'member'),
          ),
        ),
      )
      .execute()
    const orphans = [...Map.groupBy(rows, ({ child }) => child)]
      .filter(
        ([child, places]) => !going.has(child) && places.every(({ parent }) => going.has(parent) || parent === child),
      )
      .map(([child]) => child)
    for (const id of orphans) going.add(id)
    level = orphans
  }
  return [...going]
}

async function deleteRows(trx: Transaction, ids: readonly number[]): Promise<DeletedRow[]> {
  const archives = await trx
    .selectFrom('members')
    .select('parent_id')
    .distinct()
    .where('child_id', 'in', listOf(ids))
    .where('parent_id', 'not in', listOf(ids))
    .execute()
  await leaveToCloud(unitOf(trx, 'deleteSamples'), ids)
  const deleted = await trx
    .deleteFrom('samples')
    .where('id', 'in', listOf(ids))
    .returning(['id', 'sha256', 'segment_id as segment'])
    .execute()
  if (archives.length > 0) {
    await trx
      .updateTable('samples')
      .set(({ selectFrom, fn }) => ({
        extracted_file_count: selectFrom('members')
          .select(() => [fn.countAll<number>().as('members')])
          .whereRef('members.parent_id', '=', 'samples.id'),
      }))
      .where('id', 'in', listOf(archives.map(({ parent_id }) => parent_id)))
      .execute()
  }
  return deleted
}
