import { sql } from 'kysely'
import type { StoredSettings } from '../settings.ts'
import type { Database } from './database.ts'

export function sqlSettings(database: Database): StoredSettings {
  return {
    async find(key) {
      const row = await database.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
      return row?.value ?? null
    },

    async set(key, value) {
      await database
        .insertInto('settings')
        .values({ key, value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute()
    },

    async increment(key) {
      const { value } = await database
        .insertInto('settings')
        .values({ key, value: '1' })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({ value: sql<string>`CAST(CAST(settings.value AS bigint) + 1 AS text)` }),
        )
        .returning('value')
        .executeTakeFirstOrThrow()
      return Number(value)
    },
  }
}
