import { now } from '../clock.ts'
import type { StoredReanalyses } from '../reanalyses.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlReanalyses(database: Database, { listOf }: Engine): StoredReanalyses {
  return {
    async add(sampleIds) {
      const rows = await database
        .insertInto('reanalyses')
        .columns(['sample_id', 'requested'])
        .expression((eb) =>
          eb
            .selectFrom('samples')
            .select(['id', eb.val(now()).as('requested')])
            .where('id', 'in', listOf(sampleIds)),
        )
        .onConflict((conflict) => conflict.doNothing())
        .returning('sample_id')
        .execute()
      return new Set(rows.map(({ sample_id }) => sample_id))
    },

    async findOldest(limit) {
      return database
        .selectFrom('reanalyses')
        .innerJoin('samples', 'samples.id', 'reanalyses.sample_id')
        .select(['samples.id', 'samples.sha256', 'samples.size', 'samples.file_type as fileType', 'samples.name'])
        .orderBy('reanalyses.requested')
        .orderBy('samples.id')
        .limit(limit)
        .execute()
    },

    async findWaiting(sampleIds) {
      const rows = await database
        .selectFrom('reanalyses')
        .select('sample_id')
        .where('sample_id', 'in', listOf(sampleIds))
        .execute()
      return new Set(rows.map(({ sample_id }) => sample_id))
    },

    async delete(sampleIds) {
      await database.deleteFrom('reanalyses').where('sample_id', 'in', listOf(sampleIds)).execute()
    },
  }
}
