import { sql } from 'kysely'
import type { StoredRulesets } from '../rulesets.ts'
import type { Database } from './database.ts'

export function sqliteRulesets(database: Database): StoredRulesets {
  return {
    async changeOwner(from, to) {
      await database.updateTable('rulesets').set({ owner_id: to }).where('owner_id', '=', from).execute()
    },

    async recordMatch(ids, at) {
      await database
        .updateTable('rulesets')
        .set({ last_matched: sql`max(coalesce(last_matched, 0), ${at})` })
        .where('id', 'in', ids)
        .execute()
    },

    async forgetLastMatched(id) {
      await sql`UPDATE rulesets SET last_matched = NULL
        WHERE id = ${id} AND NOT EXISTS (SELECT 1 FROM matches WHERE ruleset_id = ${id})`.execute(database)
    },
  }
}
