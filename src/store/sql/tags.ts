import { sql } from 'kysely'
import type { StoredTags } from '../tags.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { listsOf, portionsOf } from './list.ts'

/** Tags that are looked at for a part of one: users add them without end. */
const MOST_LOOKED_AT = 5_000

export function sqlTags(database: Database, { listOf, textsOf, contains }: Engine): StoredTags {
  return {
    async list(sampleId, limit) {
      const rows = await database
        .selectFrom('tags')
        .select('tag')
        .where('sample_id', '=', sampleId)
        .orderBy('tag')
        .limit(limit)
        .execute()
      return rows.map(({ tag }) => tag)
    },

    async listOfEach(sampleIds, limit) {
      const rows = await database
        .selectFrom((eb) =>
          eb
            .selectFrom('tags')
            .select([
              'sample_id',
              'tag',
              ({ fn }) =>
                fn
                  .agg<number>('row_number')
                  .over((over) => over.partitionBy('sample_id').orderBy('tag'))
                  .as('place'),
            ])
            .where('sample_id', 'in', listOf(sampleIds))
            .as('placed'),
        )
        .select(['sample_id', 'tag'])
        .where('place', '<=', limit)
        .orderBy('tag')
        .execute()
      return listsOf(rows.map(({ sample_id, tag }) => [sample_id, tag]))
    },

    async findLike(part, most) {
      // From each tag to the next one by the index: as many steps as there are tags, not as there are samples.
      const { rows } = await sql<{ tag: string }>`
        WITH RECURSIVE steps(tag, step) AS (
          SELECT min(tag), 1 FROM tags
          UNION ALL
          SELECT (SELECT min(tag) FROM tags WHERE tag > steps.tag), step + 1 FROM steps
          WHERE steps.tag IS NOT NULL AND step < ${sql.lit(MOST_LOOKED_AT)}
        )
        SELECT tag FROM steps WHERE tag IS NOT NULL AND ${contains(sql`tag`, part)} ORDER BY tag LIMIT ${most}`.execute(
        database,
      )
      return rows.map(({ tag }) => tag)
    },

    async add(sampleId, tags) {
      for (const some of portionsOf(tags, 2)) {
        await database
          .insertInto('tags')
          .values(some.map((tag) => ({ sample_id: sampleId, tag })))
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }
    },

    async remove(sampleId, tags) {
      await database.deleteFrom('tags').where('sample_id', '=', sampleId).where('tag', 'in', textsOf(tags)).execute()
    },
  }
}
