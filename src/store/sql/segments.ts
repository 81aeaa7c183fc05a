import type { SampleToSign, StoredSegments } from '../segments.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { sqlSettings } from './settings.ts'

/** Of the settings. */
const GENERATION = 'segment-generation'

export function sqlSegments(database: Database, { textsOf }: Engine): StoredSegments {
  const settings = sqlSettings(database)
  /** Archives that are unpacked again among them. */
  const onceProcessed = () =>
    database
      .selectFrom('samples')
      .where('stored', '=', 1)
      .where((eb) => eb.or([eb('state', '=', 'processed'), eb('processed_at', 'is not', null)]))
  const unindexed = () => onceProcessed().where('segment_id', 'is', null)
  /** Nobody has ever read it. */
  const giveUp = (at: number) =>
    database.updateTable('segments').set({ state: 'retired', died: 0, changed: at }).where('state', '=', 'staged')

  return {
    async listLive() {
      return database
        .selectFrom('segments')
        .select(['id', 'file', 'first_id as firstId', 'last_id as lastId', 'samples', 'bytes'])
        .where('state', '=', 'live')
        .orderBy('first_id')
        .orderBy('id')
        .execute()
    },

    async listFiles() {
      const rows = await database.selectFrom('segments').select('file').execute()
      return rows.map(({ file }) => file)
    },

    async generation() {
      return Number((await settings.find(GENERATION)) ?? 0)
    },

    async totals() {
      const rows = await database
        .selectFrom('segments')
        .select(({ fn }) => [
          'state',
          fn.countAll<number>().as('segments'),
          fn.sum<number>('samples').as('samples'),
          fn.sum<number>('bytes').as('bytes'),
        ])
        .groupBy('state')
        .execute()
      const live = rows.find(({ state }) => state === 'live')
      const damaged = rows.find(({ state }) => state === 'damaged')
      return {
        segments: live?.segments ?? 0,
        damaged: damaged?.segments ?? 0,
        samples: live?.samples ?? 0,
        bytes: live?.bytes ?? 0,
      }
    },

    async stage({ file, process, at }) {
      const { id } = await database
        .insertInto('segments')
        .values({ file, process, state: 'staged', created: at, changed: at })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async publish(id, { firstId, lastId, samples, bytes, at }) {
      const { numUpdatedRows } = await database
        .updateTable('segments')
        .set({ first_id: firstId, last_id: lastId, samples, bytes, state: 'live', changed: at })
        .where('id', '=', id)
        .where('state', '=', 'staged')
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async giveUp(id, at) {
      const { numUpdatedRows } = await giveUp(at).where('id', '=', id).executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async giveUpOfGone(at) {
      const { numUpdatedRows } = await giveUp(at)
        .where('process', 'not in', database.selectFrom('segment_readers').select('process'))
        .executeTakeFirstOrThrow()
      return Number(numUpdatedRows)
    },

    async assign(id, sampleIds) {
      await database
        .updateTable('samples')
        .set({ segment_id: id })
        .where('id', 'in', sampleIds)
        .where('segment_id', 'is', null)
        .execute()
    },

    async retire(ids, at) {
      const died = await settings.increment(GENERATION)
      const { numUpdatedRows } = await database
        .updateTable('segments')
        .set({ state: 'retired', died, changed: at })
        .where('id', 'in', ids)
        .where('state', '=', 'live')
        .executeTakeFirstOrThrow()
      return Number(numUpdatedRows)
    },

    async listRetired() {
      const rows = await database
        .selectFrom('segments')
        .select(['id', 'file', 'died', 'changed as since'])
        .where('state', '=', 'retired')
        .orderBy('id')
        .execute()
      return rows.map(({ died, ...row }) => ({ ...row, died: died ?? 0 }))
    },

    async delete(ids) {
      await database.deleteFrom('segments').where('id', 'in', ids).where('state', '=', 'retired').execute()
    },

    async moveSamples(from, to) {
      await database.updateTable('samples').set({ segment_id: to }).where('segment_id', 'in', from).execute()
    },

    async markDamaged(id, at) {
      const died = await settings.increment(GENERATION)
      const [row] = await database
        .updateTable('segments')
        .set({ state: 'damaged', died, changed: at })
        .where('id', '=', id)
        .where('state', '=', 'live')
        .returning(['file', 'samples'])
        .execute()
      if (!row) return null
      await database.updateTable('samples').set({ segment_id: null }).where('segment_id', '=', id).execute()
      return row
    },

    async retireDamaged(at) {
      await database
        .updateTable('segments')
        .set({ state: 'retired', changed: at })
        .where('state', '=', 'damaged')
        .execute()
    },

    async deleteByFile(file) {
      const { id } = await database
        .selectFrom('segments')
        .select('id')
        .where('file', '=', file)
        .executeTakeFirstOrThrow()
      await database.updateTable('samples').set({ segment_id: null }).where('segment_id', '=', id).execute()
      await database.deleteFrom('segments').where('id', '=', id).execute()
    },

    async releaseLost() {
      const { numUpdatedRows } = await database
        .updateTable('samples')
        .set({ segment_id: null })
        .where('segment_id', 'is not', null)
        .where('segment_id', 'not in', (eb) => eb.selectFrom('segments').select('id').where('state', '=', 'live'))
        .executeTakeFirst()
      return Number(numUpdatedRows)
    },

    async listReaders() {
      return database
        .selectFrom('segment_readers')
        .select(['process', 'generation', 'beat'])
        .orderBy('process')
        .execute()
    },

    async keepReader(process, generation) {
      await database
        .insertInto('segment_readers')
        .values({ process, generation })
        .onConflict((conflict) =>
          conflict
            .column('process')
            .doUpdateSet(({ eb }) => ({ generation, beat: eb('segment_readers.beat', '+', 1) })),
        )
        .execute()
    },

    async deleteReaders(processes) {
      await database.deleteFrom('segment_readers').where('process', 'in', textsOf(processes)).execute()
    },

    async countSamples() {
      const rows = await database
        .selectFrom('samples')
        .select(({ fn }) => ['segment_id', fn.countAll<number>().as('samples')])
        .where('segment_id', 'is not', null)
        .groupBy('segment_id')
        .execute()
      return new Map(rows.map(({ segment_id, samples }) => [segment_id as number, samples]))
    },

    async countSamplesOf(id) {
      const { samples } = await database
        .selectFrom('samples')
        .select(({ fn }) => fn.countAll<number>().as('samples'))
        .where('segment_id', '=', id)
        .executeTakeFirstOrThrow()
      return samples
    },

    async samplesOf(id) {
      const rows = await database.selectFrom('samples').select('id').where('segment_id', '=', id).execute()
      return rows.map((row) => row.id)
    },

    async unindexedIds() {
      const rows = await unindexed().select('id').orderBy('id').execute()
      return Uint32Array.from(rows, ({ id }) => id)
    },

    async countUnindexed() {
      const { total } = await unindexed()
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      return total
    },

    async findUnindexed(after, most) {
      const rows = await unindexed()
        .select(['id', 'size', 'sha256', 'sha1', 'md5', 'sha512'])
        .where('id', '>', after)
        .orderBy('id')
        .limit(most)
        .execute()
      return rows.map((row) => {
        const sample = withDigests(row)
        if (!sample) throw new Error(`Sample ${row.id} is stored without digests.`)
        return sample
      })
    },

    async findInSegment(id, sampleIds) {
      const rows = await database
        .selectFrom('samples')
        .select(['id', 'size', 'sha256', 'sha1', 'md5', 'sha512'])
        .where('id', 'in', sampleIds)
        .where('segment_id', '=', id)
        .execute()
      return rows.flatMap((row) => withDigests(row) ?? [])
    },

    async measure() {
      const count = onceProcessed().select(({ fn, lit }) => [
        fn.countAll<number>().as('samples'),
        fn.coalesce(fn.sum<number>('size'), lit(0)).as('bytes'),
      ])
      return {
        indexed: await count.where('segment_id', 'is not', null).executeTakeFirstOrThrow(),
        unindexed: await count.where('segment_id', 'is', null).executeTakeFirstOrThrow(),
      }
    },
  }
}

function withDigests(row: {
  readonly id: number
  readonly size: number
  readonly sha256: Uint8Array | null
  readonly sha1: Uint8Array
  readonly md5: Uint8Array | null
  readonly sha512: Uint8Array | null
}): SampleToSign | null {
  const { sha256, md5, sha512 } = row
  return sha256 === null || md5 === null || sha512 === null ? null : { ...row, sha256, md5, sha512 }
}
