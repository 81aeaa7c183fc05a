import type { Database } from './database.ts'

/** The value that is kept under a key; null where there is none. */
export async function keptValue(database: Database, key: string): Promise<string | null> {
  const row = await database.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value ?? null
}

/** Keeps a value under a key, in place of the one before. */
export async function keepValue(database: Database, key: string, value: string): Promise<void> {
  await database
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
