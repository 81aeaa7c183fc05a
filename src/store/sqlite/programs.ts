import { sql } from 'kysely'
import { type ProgramFacts, traitsOf } from '../../programs/index.ts'
import type { StoredPrograms } from '../programs.ts'
import type { Database } from './database.ts'
import { listOf } from './list.ts'

const SECOND = 1_000_000

export function sqlitePrograms(database: Database): StoredPrograms {
  return {
    async record(programs) {
      if (programs.length === 0) return
      const rows = programs.map(({ sample, facts }) => ({
        sample,
        compiled: facts.compiled === null ? null : facts.compiled * SECOND,
        facts: JSON.stringify(facts),
      }))
      // Few statements for many samples. The traits of a row go with it, where it is replaced.
      await sql`
        INSERT OR REPLACE INTO programs (sample_id, compiled, facts)
        SELECT row.value ->> 'sample', row.value ->> 'compiled', row.value ->> 'facts'
        FROM json_each(${JSON.stringify(rows)}) AS row
        WHERE EXISTS (SELECT 1 FROM samples WHERE id = row.value ->> 'sample')`.execute(database)
      const traits = programs.flatMap(({ sample, facts }) =>
        traitsOf(facts).map(({ field, value }) => [sample, field, value]),
      )
      await sql`
        INSERT OR IGNORE INTO program_traits (sample_id, field, value)
        SELECT trait.value ->> 0, trait.value ->> 1, trait.value ->> 2
        FROM json_each(${JSON.stringify(traits)}) AS trait
        WHERE EXISTS (SELECT 1 FROM programs WHERE sample_id = trait.value ->> 0)`.execute(database)
    },

    async find(sample) {
      const row = await database
        .selectFrom('programs')
        .select('facts')
        .where('sample_id', '=', sample)
        .executeTakeFirst()
      return row === undefined ? null : (JSON.parse(row.facts) as ProgramFacts)
    },

    async imphashesOf(samples) {
      const rows = await database
        .selectFrom('program_traits')
        .select(['sample_id', 'value'])
        .where('sample_id', 'in', listOf(samples))
        .where('field', '=', 'imphash')
        .execute()
      return new Map(rows.map(({ sample_id, value }) => [sample_id, value]))
    },

    async findToRead(limit) {
      return database
        .selectFrom('programs_to_read')
        .innerJoin('samples', 'samples.id', 'programs_to_read.sample_id')
        .select(['samples.id', 'samples.sha256', 'samples.size'])
        .orderBy('programs_to_read.sample_id')
        .limit(limit)
        .execute()
    },

    async markRead(samples) {
      await database.deleteFrom('programs_to_read').where('sample_id', 'in', listOf(samples)).execute()
    },
  }
}
