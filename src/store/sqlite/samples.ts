import type { StoredSamples } from '../samples.ts'
import type { Database } from './database.ts'

export function sqliteSamples(database: Database): StoredSamples {
  return {
    async exists(id) {
      const row = await database.selectFrom('samples').select('id').where('id', '=', id).executeTakeFirst()
      return row !== undefined
    },

    async sha1Of(id) {
      const row = await database.selectFrom('samples').select('sha1').where('id', '=', id).executeTakeFirst()
      return row?.sha1.toHex() ?? null
    },

    async noteOf(id) {
      const row = await database.selectFrom('samples').select('note').where('id', '=', id).executeTakeFirst()
      return row?.note ?? null
    },

    async setNote(id, note) {
      await database.updateTable('samples').set({ note }).where('id', '=', id).execute()
    },
  }
}
