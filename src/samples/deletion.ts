import type { Segments } from '../segments/index.ts'
import type { ContentStore, DeletedSample, Repositories, Store, UnitOfWork } from '../store/index.ts'
import { leaveToCloud } from './cloud-samples.ts'

/** Which of the samples still go, asked in the transaction in which they do. */
export type StillToDelete = (tx: UnitOfWork, ids: readonly number[]) => Promise<readonly number[]>

/**
 * Deletes samples for good: rows, matches, hits of hunts and sightings in one transaction, then contents. With an
 * archive go the members that no remaining archive holds and that nobody ever sent by themselves: they came with it.
 * Hunts that run see it at once, since they look every candidate up. Gives those that went, members
 * included. What a cloud reported of them stays, with rows that have no content.
 */
export async function deleteSamples(
  {
    store,
    contents,
    segments,
  }: { readonly store: Store; readonly contents: ContentStore; readonly segments: Segments },
  ids: readonly number[],
  still?: StillToDelete,
): Promise<readonly DeletedSample[]> {
  return contents.withLock(async () => {
    let deleted: readonly DeletedSample[] = []
    await contents.delete(await store.samples.contentsOf(await withMembers(store, ids)), async () => {
      deleted = await deleteSampleRows(store, ids, still)
      return deleted.flatMap(({ sha256 }) => sha256 ?? [])
    })
    segments.forget(deleted.flatMap(({ segment }) => segment ?? []))
    return deleted
  })
}

/** The rows only, in one transaction; gives those that went, members included. */
export function deleteSampleRows(
  store: Store,
  ids: readonly number[],
  still: StillToDelete = async () => ids,
): Promise<readonly DeletedSample[]> {
  return store.transaction('deleteSamples', async (tx) => deleteRows(tx, await withMembers(tx, await still(tx, ids))))
}

/**
 * The ids, and those of members that are left with nothing to stay for, down through archives in archives. `gone`:
 * archives that hold nothing any more.
 */
export async function withMembers(
  { members }: Repositories,
  ids: readonly number[],
  gone: ReadonlySet<number> = new Set(),
): Promise<number[]> {
  const going = new Set(ids)
  let level = [...going]
  while (level.length > 0) {
    const archives = Map.groupBy(await members.findUnsent(level), ({ member }) => member)
    level = [...archives]
      .filter(
        ([member, places]) =>
          !going.has(member) &&
          places.every(({ archive }) => going.has(archive) || gone.has(archive) || archive === member),
      )
      .map(([member]) => member)
    for (const id of level) going.add(id)
  }
  return [...going]
}

async function deleteRows(tx: UnitOfWork, ids: readonly number[]): Promise<DeletedSample[]> {
  const archives = await tx.members.findOtherArchives(ids)
  await leaveToCloud(tx, ids)
  const deleted = await tx.samples.deleteAll(ids)
  await tx.members.recount(archives)
  return deleted
}
