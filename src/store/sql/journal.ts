import type { StoredJournal } from '../journal.ts'
import type { Database } from './database.ts'

/** Of a message, which may quote what an engine or a system said. */
const MOST_CHARACTERS = 2_000

export function sqlJournal(database: Database): StoredJournal {
  return {
    async add({ kind, message, created, rulesetId = null, sampleId = null }) {
      await database
        .insertInto('journal')
        .values({ created, kind, ruleset_id: rulesetId, sample_id: sampleId, message })
        .execute()
    },

    async list(most) {
      const rows = await database
        .selectFrom('journal')
        .leftJoin('rulesets', 'rulesets.id', 'journal.ruleset_id')
        .leftJoin('samples', 'samples.id', 'journal.sample_id')
        .select(['journal.id', 'journal.created', 'kind', 'rulesets.name as ruleset', 'samples.sha1'])
        .select(({ fn, val }) => fn<string>('substr', ['message', val(1), val(MOST_CHARACTERS)]).as('message'))
        .where('rulesets.tenant_id', 'is', null)
        .orderBy('journal.id', 'desc')
        .limit(most)
        .execute()
      return rows.map(({ sha1, ...entry }) => ({ ...entry, sha1: sha1?.toHex() ?? null }))
    },

    async latestMessage(kind) {
      const latest = await database
        .selectFrom('journal')
        .select('message')
        .where('kind', '=', kind)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return latest?.message ?? null
    },
  }
}
