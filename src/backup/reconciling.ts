/**
 * Brings the copy of a database to a later instant: what the live one has lost since, the copy loses too, in the same way.
 * Then each row of the copy has its content again, however fast samples come and go.
 */
import { deleteSampleRows } from '../samples/index.ts'
import { changeCopy, DatabaseReader } from '../store/index.ts'

/** Samples that are deleted in one transaction. */
const AT_ONCE = 500

/** Deletes the samples that the live database has not any more. */
export async function applyDeletions(copy: string, live: DatabaseReader, signal: AbortSignal): Promise<void> {
  const deleted: number[] = []
  const snapshot = new DatabaseReader(copy)
  try {
    for (const id of snapshot.sampleIds()) if (!live.hasSample(id)) deleted.push(id)
  } finally {
    snapshot.close()
  }
  await changeCopy(copy, signal, async (store) => {
    for (let at = 0; at < deleted.length; at += AT_ONCE) await deleteSampleRows(store, deleted.slice(at, at + AT_ONCE))
  })
}

/** The samples of segments that were merged since count as unindexed: a restored server makes their segments anew. */
export async function forgetSegments(copy: string, files: readonly string[], signal: AbortSignal): Promise<void> {
  await changeCopy(copy, signal, (store) =>
    store.transaction('mergeSegments', async ({ segments }) => {
      for (const file of files) await segments.deleteByFile(file)
    }),
  )
}
