import { sql } from 'kysely'
import type { StoredNewNames } from '../new-names.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

/**
 * How many of the last times a sample was seen are compared with. An empty file is seen a hundred thousand times, and being
 * matched again under a name that it had long ago costs only the scan.
 */
const LOOKED_BACK = 256

export function sqlNewNames(database: Database, { listOf, rowsOf }: Engine): StoredNewNames {
  return {
    async add(sampleId) {
      await database
        .insertInto('new_names')
        .values({ sample_id: sampleId })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async addRenamed(arriving) {
      if (arriving.length === 0) return new Set()
      const given = rowsOf(arriving, { sampleId: 'integer', name: 'text', folder: 'text', owner: 'text' })
      const { rows } = await sql<{ id: number }>`
        INSERT INTO new_names (sample_id)
        SELECT DISTINCT arriving."sampleId" FROM ${given} AS arriving WHERE NOT EXISTS (
          SELECT 1 FROM (
            SELECT * FROM sightings WHERE sample_id = arriving."sampleId" ORDER BY id DESC LIMIT ${LOOKED_BACK}
          ) AS seen
          WHERE seen.name = arriving.name
          AND coalesce(seen.folder, '') = arriving.folder AND coalesce(seen.owner, '') = arriving.owner
        )
        -- Those that wait already are returned as well.
        ON CONFLICT (sample_id) DO UPDATE SET sample_id = excluded.sample_id RETURNING sample_id AS id`.execute(
        database,
      )
      return new Set(rows.map(({ id }) => id))
    },

    async isEmpty() {
      return (await database.selectFrom('new_names').select('sample_id').limit(1).execute()).length === 0
    },

    async findProcessed(limit) {
      return database
        .selectFrom('new_names')
        .innerJoin('samples', 'samples.id', 'new_names.sample_id')
        .select(['samples.id', 'samples.sha256', 'samples.size', 'samples.file_type as fileType'])
        .where('samples.state', '=', 'processed')
        .orderBy('samples.id')
        .limit(limit)
        .execute()
    },

    async delete(sampleIds) {
      await database.deleteFrom('new_names').where('sample_id', 'in', listOf(sampleIds)).execute()
    },
  }
}
