import { sql } from 'kysely'
import { type ProgramFacts, traitsOf } from '../../programs/index.ts'
import type { StoredPrograms } from '../programs.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { lastOfEach, listsOf } from './list.ts'

const SECOND = 1_000_000

export function sqlPrograms(database: Database, { listOf, rowsOf }: Engine): StoredPrograms {
  return {
    async record(programs) {
      if (programs.length === 0) return
      const each = lastOfEach(programs, ({ sample }) => sample)
      const rows = each.map(({ sample, facts }) => ({
        sample,
        compiled: facts.compiled === null ? null : facts.compiled * SECOND,
        facts: JSON.stringify(facts),
      }))
      // Few statements for many samples.
      await sql`
        INSERT INTO programs (sample_id, compiled, facts)
        SELECT sample, compiled, facts
        FROM ${rowsOf(rows, { sample: 'integer', compiled: 'integer', facts: 'text' })} AS given
        WHERE EXISTS (SELECT 1 FROM samples WHERE id = given.sample)
        ON CONFLICT (sample_id) DO UPDATE SET compiled = excluded.compiled, facts = excluded.facts`.execute(database)
      const samples = each.map(({ sample }) => sample)
      await database.deleteFrom('program_traits').where('sample_id', 'in', listOf(samples)).execute()
      const traits = each.flatMap(({ sample, facts }) => traitsOf(facts).map((trait) => ({ sample, ...trait })))
      await sql`
        INSERT INTO program_traits (sample_id, field, value)
        SELECT sample, field, value
        FROM ${rowsOf(traits, { sample: 'integer', field: 'text', value: 'text' })} AS given
        WHERE EXISTS (SELECT 1 FROM programs WHERE sample_id = given.sample)
        ON CONFLICT DO NOTHING`.execute(database)
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

    async signersOf(samples) {
      const rows = await database
        .selectFrom('program_traits')
        .select(['sample_id', 'field', 'value'])
        .where('sample_id', 'in', listOf(samples))
        .where('field', 'in', ['signer', 'serial'])
        .execute()
      return listsOf(
        rows.map(({ sample_id, field, value }) => [sample_id, { field: field as 'signer' | 'serial', value }]),
      )
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
