import type { StoredTlsh } from '../tlsh.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlTlsh(database: Database, { listOf }: Engine): StoredTlsh {
  return {
    async enqueue(samples) {
      if (samples.length === 0) return
      await database
        .insertInto('tlsh_to_compute')
        .columns(['sample_id'])
        .expression((eb) =>
          eb
            .selectFrom('samples')
            .select('id')
            .where('id', 'in', listOf(samples))
            .where(({ not, exists, selectFrom }) =>
              not(exists(selectFrom('tlsh').select('sample_id').whereRef('sample_id', '=', 'samples.id'))),
            ),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async findToCompute(limit) {
      return database
        .selectFrom('tlsh_to_compute')
        .innerJoin('samples', 'samples.id', 'tlsh_to_compute.sample_id')
        .select(['samples.id', 'samples.sha256', 'samples.size'])
        .orderBy('tlsh_to_compute.sample_id')
        .limit(limit)
        .execute()
    },

    async record(computed) {
      const ids = computed.map(({ sample }) => sample)
      const rows = await database.selectFrom('samples').select('id').where('id', 'in', listOf(ids)).execute()
      const left = new Set(rows.map(({ id }) => id))
      const found = computed.flatMap(({ sample, digest }) =>
        digest !== null && left.has(sample) ? [{ sample_id: sample, digest }] : [],
      )
      if (found.length > 0) {
        await database
          .insertInto('tlsh')
          .values(found)
          .onConflict((conflict) =>
            conflict.column('sample_id').doUpdateSet(({ ref }) => ({ digest: ref('excluded.digest') })),
          )
          .execute()
      }
      await database.deleteFrom('tlsh_to_compute').where('sample_id', 'in', listOf(ids)).execute()
    },

    async find(sample) {
      const row = await database.selectFrom('tlsh').select('digest').where('sample_id', '=', sample).executeTakeFirst()
      return row?.digest ?? null
    },
  }
}
