import type { StoredRulesets } from '../rulesets.ts'
import type { Database } from './database.ts'

export function sqliteRulesets(database: Database): StoredRulesets {
  return {
    async changeOwner(from, to) {
      await database.updateTable('rulesets').set({ owner_id: to }).where('owner_id', '=', from).execute()
    },
  }
}
