/**
 * Brings the copy of a database to a later instant: what the live one has lost since, the copy loses too, in the same way.
 * Then each row of the copy has its content again, however fast samples come and go.
 */
import { DatabaseSync } from 'node:sqlite'
import { Failure } from '../errors/index.ts'
import { deleteSampleRows } from '../samples/index.ts'
import { checkDatabase, newestSchema, openDatabase } from '../store/index.ts'
import { DatabaseReader } from './snapshot.ts'

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
  await change(copy, signal, async (database) => {
    for (let at = 0; at < deleted.length; at += AT_ONCE)
      await deleteSampleRows(database, deleted.slice(at, at + AT_ONCE))
  })
}

/** The samples of segments that were merged since count as unindexed: a restored server makes their segments anew. */
export async function forgetSegments(copy: string, files: readonly string[], signal: AbortSignal): Promise<void> {
  await change(copy, signal, (database) =>
    database.transaction().execute(async (trx) => {
      for (const file of files) {
        const { id } = await trx.selectFrom('segments').select('id').where('file', '=', file).executeTakeFirstOrThrow()
        await trx.updateTable('samples').set({ segment_id: null }).where('segment_id', '=', id).execute()
        await trx.deleteFrom('segments').where('id', '=', id).execute()
      }
    }),
  )
}

async function change(
  copy: string,
  signal: AbortSignal,
  work: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<void>,
): Promise<void> {
  const reader = new DatabaseReader(copy)
  const { schema } = reader
  reader.close()
  if (schema !== newestSchema())
    throw new Failure(
      'database.unusable',
      'The running server is of another version than this program; back up with the version that runs.',
    )
  const database = await openDatabase(copy)
  try {
    await work(database)
  } finally {
    await database.destroy()
  }
  const file = new DatabaseSync(copy)
  file.exec('PRAGMA journal_mode = DELETE')
  file.close()
  const [problem] = await checkDatabase(copy, 'full', signal)
  if (problem !== undefined) throw new Error(`The copy of the database is damaged after it was changed: ${problem}`)
}
