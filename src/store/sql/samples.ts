import { type SqlBool, sql } from 'kysely'
import type { Micros } from '../clock.ts'
import type { CloudSample, NewSample, Sample, StoredSamples } from '../samples.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { samplesFrom, toSample } from './sample-rows.ts'

/** Each digest is a parameter, since JSON has no bytes. */
const DIGESTS_AT_ONCE = 1_000

export function sqlSamples(database: Database, { listOf }: Engine): StoredSamples {
  return {
    async exists(id) {
      const row = await database.selectFrom('samples').select('id').where('id', '=', id).executeTakeFirst()
      return row !== undefined
    },

    async sha1Of(id) {
      const row = await database.selectFrom('samples').select('sha1').where('id', '=', id).executeTakeFirst()
      return row?.sha1.toHex() ?? null
    },

    async noteOf(id) {
      const row = await database.selectFrom('samples').select('note').where('id', '=', id).executeTakeFirst()
      return row?.note ?? null
    },

    async setNote(id, note) {
      await database.updateTable('samples').set({ note }).where('id', '=', id).execute()
    },

    async isStored(sha256) {
      const row = await database
        .selectFrom('samples')
        .select('id')
        .where('sha256', '=', sha256)
        .where('stored', '=', 1)
        .executeTakeFirst()
      return row !== undefined
    },

    async findKnown(digests) {
      const rows = await database
        .selectFrom('samples')
        .select(['id', 'sha256', 'state', 'note', 'extracted_file_count as extractedFileCount'])
        .where('sha256', 'in', digests)
        .execute()
      return rows.map((row) => ({ ...row, sha256: row.sha256 as Uint8Array }))
    },

    async add(samples, seen) {
      const rows = await database
        .insertInto('samples')
        .values(samples.map((sample) => queuedRow(sample, seen)))
        .returning(['id', 'sha256'])
        .execute()
      return rows.map(({ id, sha256 }) => ({ id, sha256: sha256 as Uint8Array }))
    },

    async seeAgain(id, seen, name) {
      await database
        .updateTable('samples')
        .set({
          last_seen: sql`CASE WHEN last_seen > ${seen} THEN last_seen ELSE ${seen} END`,
          ...(name !== null && { name }),
        })
        .where('id', '=', id)
        .execute()
    },

    async rename(id, from, to) {
      await database.updateTable('samples').set({ name: to }).where('id', '=', id).where('name', '=', from).execute()
    },

    async lastId() {
      const { last } = await database
        .selectFrom('samples')
        .select(({ fn }) => fn.max<number | null>('id').as('last'))
        .executeTakeFirstOrThrow()
      return last ?? 0
    },

    async nextStored(after) {
      const row = await database
        .selectFrom('samples')
        .select(['id', 'sha1', 'sha256', 'size'])
        .where('id', '>', after)
        .where('stored', '=', 1)
        .orderBy('id')
        .limit(1)
        .executeTakeFirst()
      return row ? { ...row, sha1: row.sha1.toHex(), sha256: row.sha256 as Uint8Array } : null
    },

    async delete(id) {
      await database.deleteFrom('samples').where('id', '=', id).execute()
    },

    async deleteAll(ids) {
      return database
        .deleteFrom('samples')
        .where('id', 'in', listOf(ids))
        .returning(['id', 'sha256', 'segment_id as segment'])
        .execute()
    },

    async findByIds(ids) {
      const rows = await samplesFrom(database).where('id', 'in', listOf(ids)).execute()
      return new Map(rows.map((row) => [row.id, toSample(row)]))
    },

    async findByDigests(kind, digests) {
      const found = new Map<string, Sample>()
      for (let from = 0; from < digests.length; from += DIGESTS_AT_ONCE) {
        const rows = await samplesFrom(database)
          .where(kind, 'in', digests.slice(from, from + DIGESTS_AT_ONCE))
          .orderBy('stored')
          .orderBy('id', 'desc')
          .execute()
        for (const row of rows) found.set(row[kind]?.toHex() ?? '', toSample(row))
      }
      return found
    },

    async totals() {
      const rows = await database.selectFrom('sample_counts').selectAll().execute()
      const count = (some: typeof rows) => some.reduce((sum, { samples }) => sum + samples, 0)
      const of = (classification: number) => count(rows.filter((row) => row.classification === classification))
      return {
        samples: count(rows),
        bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
        queued: count(rows.filter(({ state }) => state === 'queued')),
        byClassification: [of(0), of(1), of(2), of(3)],
      }
    },

    async countArrived(from, to) {
      const { arrived } = await database
        .selectFrom('samples')
        .select(({ fn }) => fn.countAll<number>().as('arrived'))
        .where('first_seen', '>=', from)
        .where('first_seen', '<', to)
        .where('stored', '=', 1)
        .executeTakeFirstOrThrow()
      return arrived
    },

    async countContents() {
      const { total } = await database
        .selectFrom('samples')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('stored', '=', 1)
        .executeTakeFirstOrThrow()
      return total
    },

    async listContents(firstByte, after, limit) {
      const rows = await database
        .selectFrom('samples')
        .select(['id', 'sha256', 'size'])
        .where('sha256', after === null ? '>=' : '>', after ?? Buffer.from([firstByte]))
        .$if(firstByte < 255, (query) => query.where('sha256', '<', Buffer.from([firstByte + 1])))
        .where('stored', '=', 1)
        .orderBy('sha256')
        .limit(limit)
        .execute()
      return rows.map((row) => ({ ...row, sha256: row.sha256 as Uint8Array }))
    },

    async isContentOf(id, sha256) {
      const row = await database
        .selectFrom('samples')
        .select('id')
        .where('id', '=', id)
        .where('sha256', '=', sha256)
        .where('stored', '=', 1)
        .executeTakeFirst()
      return row !== undefined
    },

    async contentsOf(ids) {
      const rows = await database.selectFrom('samples').select('sha256').where('id', 'in', listOf(ids)).execute()
      return rows.flatMap(({ sha256 }) => sha256 ?? [])
    },

    async findBySha1(digests) {
      const rows = await database
        .selectFrom('samples')
        .select(['id', 'sha1', 'size', 'stored'])
        .where('sha1', 'in', digests)
        .orderBy('stored')
        .orderBy('id', 'desc')
        .execute()
      return rows.map((row) => ({ ...row, stored: row.stored === 1 }))
    },

    async addInCloud(samples) {
      return database
        .insertInto('samples')
        .values(samples.map((sample) => rowInCloudOnly({ ...sample, md5: null })))
        .returning(['id', 'sha1'])
        .execute()
    },

    async findCloudTwins(arrived) {
      return database
        .selectFrom('samples as arrived')
        .innerJoin('samples as known', 'known.sha1', 'arrived.sha1')
        .select(['arrived.id as to', 'known.id as from', 'known.file_type as fileType'])
        .select(['known.user_classification as userClassification', 'known.user_risk_score as userRiskScore'])
        .select('known.user_threat_name as userThreatName')
        .where('arrived.id', 'in', listOf(arrived))
        .where('known.stored', '=', 0)
        .whereRef('known.size', '=', 'arrived.size')
        .execute()
    },

    async takeOver({ from, to, fileType, userClassification, userRiskScore, userThreatName }) {
      await database
        .updateTable('samples')
        .set({
          user_classification: userClassification,
          user_risk_score: userRiskScore,
          user_threat_name: userThreatName,
          file_type: fileType,
        })
        .where('id', '=', to)
        .execute()
      await database.updateTable('tags').set({ sample_id: to }).where('sample_id', '=', from).execute()
    },

    async findMatchedInCloud(ids) {
      return database
        .selectFrom('samples')
        .select(['id', 'sha1', 'md5', 'size', 'file_type as fileType', 'first_seen as seen'])
        .where('id', 'in', listOf(ids))
        .where('stored', '=', 1)
        .where(sql<SqlBool>`EXISTS (SELECT 1 FROM matches WHERE matches.sample_id = samples.id AND matches.cloud = 1)`)
        .execute()
    },

    async leaveInCloud(sample) {
      const { id } = await database
        .insertInto('samples')
        .values(rowInCloudOnly(sample))
        .onConflict((conflict) =>
          conflict.column('sha1').where(sql<SqlBool>`stored = 0`).doUpdateSet({ size: sample.size }),
        )
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async deleteUnreferenced() {
      await sql`DELETE FROM samples WHERE stored = 0 AND user_classification IS NULL
        AND NOT EXISTS (SELECT 1 FROM matches WHERE matches.sample_id = samples.id)
        AND NOT EXISTS (SELECT 1 FROM tags WHERE tags.sample_id = samples.id)`.execute(database)
    },
  }
}

function queuedRow({ sha256, sha1, md5, sha512, size, name }: NewSample, seen: Micros) {
  return {
    ...{ sha256, sha1, md5, sha512, size },
    stored: 1 as const,
    state: 'queued' as const,
    file_type: '',
    type_description: '',
    name,
    first_seen: seen,
    last_seen: seen,
    extracted_file_count: 0,
    classification: 0 as const,
  }
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
