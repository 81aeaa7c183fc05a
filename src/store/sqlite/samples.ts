import type { StoredSamples } from '../samples.ts'
import type { Database } from './database.ts'

export function sqliteSamples(database: Database): StoredSamples {
  return {
    async exists(id) {
      const row = await database.selectFrom('samples').select('id').where('id', '=', id).executeTakeFirst()
      return row !== undefined
    },
  }
}
