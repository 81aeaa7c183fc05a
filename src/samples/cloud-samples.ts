/**
 * Samples that a cloud has. One that is in the collection too has one row for both; the others are known by the cloud's
 * feeds a SHA-1, a size and a type, and their rows say `stored` 0: no content, never scanned, indexed or hunted, gone
 * when nothing refers to them any more. A file that arrives later takes over from such a row, and leaves one behind
 * when it is deleted while the cloud's matches stay.
 */
import { type SqlBool, sql } from 'kysely'
import { moveCloudMatches } from '../matches/index.ts'
import { listOf, type Micros, type Transaction, unitOf } from '../store/index.ts'

/** What a feed reports of a sample. */
export interface CloudSample {
  /** 20 bytes. */
  readonly sha1: Uint8Array
  readonly size: number
  readonly fileType: string
  readonly seen: Micros
}

/** SHA-1s looked up by one statement. */
const DIGESTS_AT_ONCE = 1_000

/** The ids of the cloud's samples in this database, by SHA-1 in hexadecimal; those that are new get their rows. */
export async function cloudSampleIds(
  trx: Transaction,
  samples: Iterable<CloudSample>,
): Promise<ReadonlyMap<string, number>> {
  const wanted = new Map([...samples].map((sample) => [sample.sha1.toHex(), sample]))
  const ids = new Map<string, number>()
  const all = [...wanted.values()]
  for (let from = 0; from < all.length; from += DIGESTS_AT_ONCE) {
    const part = all.slice(from, from + DIGESTS_AT_ONCE)
    const rows = await trx
      .selectFrom('samples')
      .select(['id', 'sha1', 'size', 'stored'])
      .where(
        'sha1',
        'in',
        part.map(({ sha1 }) => sha1),
      )
      // The last one that fits stays: a stored one where there is one.
      .orderBy('stored')
      .orderBy('id', 'desc')
      .execute()
    for (const { id, sha1, size, stored } of rows) {
      const digest = sha1.toHex()
      // Two different files may have one SHA-1; the size decides which the cloud means.
      if (stored === 0 || size === wanted.get(digest)?.size) ids.set(digest, id)
    }
    const fresh = part.filter(({ sha1 }) => !ids.has(sha1.toHex()))
    if (fresh.length === 0) continue
    const inserted = await trx
      .insertInto('samples')
      .values(fresh.map(({ sha1, size, fileType, seen }) => rowInCloudOnly({ sha1, md5: null, size, fileType, seen })))
      .returning(['id', 'sha1'])
      .execute()
    for (const { id, sha1 } of inserted) ids.set(sha1.toHex(), id)
  }
  return ids
}

/** Lets samples that were just admitted take over what the cloud was known to have of them. */
export async function takeOverFromCloud(trx: Transaction, fresh: readonly number[]): Promise<void> {
  const pairs = await trx
    .selectFrom('samples as arrived')
    .innerJoin('samples as known', 'known.sha1', 'arrived.sha1')
    .select(['arrived.id as to', 'known.id as from', 'known.file_type as fileType'])
    .select(['known.user_classification', 'known.user_risk_score', 'known.user_threat_name'])
    .where('arrived.id', 'in', listOf(fresh))
    .where('known.stored', '=', 0)
    .whereRef('known.size', '=', 'arrived.size')
    .execute()
  for (const { from, to, fileType, ...own } of pairs) {
    // The type stands until the pipeline has looked, so that names of threats have their platform.
    await trx
      .updateTable('samples')
      .set({ ...own, file_type: fileType })
      .where('id', '=', to)
      .execute()
    await trx.updateTable('tags').set({ sample_id: to }).where('sample_id', '=', from).execute()
    await moveCloudMatches(unitOf(trx, 'completeSamples'), { from, to })
    await trx.deleteFrom('samples').where('id', '=', from).execute()
  }
}

/** Before samples are deleted: the cloud's matches of those that it has go over to rows without content. */
export async function leaveToCloud(trx: Transaction, going: readonly number[]): Promise<void> {
  const rows = await trx
    .selectFrom('samples')
    .select(['id', 'sha1', 'md5', 'size', 'file_type as fileType', 'first_seen as seen'])
    .where('id', 'in', listOf(going))
    .where('stored', '=', 1)
    .where(sql<SqlBool>`EXISTS (SELECT 1 FROM matches WHERE matches.sample_id = samples.id AND matches.cloud = 1)`)
    .execute()
  for (const { id, ...sample } of rows) {
    const { id: to } = await trx
      .insertInto('samples')
      .values(rowInCloudOnly(sample))
      // Two files of one SHA-1 leave one row behind.
      .onConflict((conflict) =>
        conflict.column('sha1').where(sql<SqlBool>`stored = 0`).doUpdateSet({ size: sample.size }),
      )
      .returning('id')
      .executeTakeFirstOrThrow()
    await moveCloudMatches(unitOf(trx, 'completeSamples'), { from: id, to })
  }
}

/** Forgets samples that only a cloud has and that nothing refers to any more: no match, and no user's word. */
export async function deleteUnreferenced(trx: Transaction): Promise<void> {
  await sql`DELETE FROM samples WHERE stored = 0 AND user_classification IS NULL
    AND NOT EXISTS (SELECT 1 FROM matches WHERE matches.sample_id = samples.id)
    AND NOT EXISTS (SELECT 1 FROM tags WHERE tags.sample_id = samples.id)`.execute(trx)
}

function rowInCloudOnly(sample: CloudSample & { readonly md5: Uint8Array | null }) {
  return {
    sha256: null,
    sha1: sample.sha1,
    md5: sample.md5,
    sha512: null,
    size: sample.size,
    stored: 0 as const,
    state: 'processed' as const,
    file_type: sample.fileType,
    type_description: '',
    name: sample.sha1.toHex(),
    first_seen: sample.seen,
    last_seen: sample.seen,
    extracted_file_count: 0,
    classification: 0 as const,
  }
}
