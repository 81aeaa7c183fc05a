import { sql } from 'kysely'
import { type Database, keptValue, type Transaction } from '../store/index.ts'

const KEY = 'ruleset-generation'

/** The generation of the enabled set: 0 for an installation that never had a ruleset. */
export async function readGeneration(database: Database): Promise<number> {
  return Number((await keptValue(database, KEY)) ?? 0)
}

/** To be called in the transaction that changes what runs. Returns the new generation. */
export async function nextGeneration(trx: Transaction): Promise<number> {
  const { value } = await trx
    .insertInto('settings')
    .values({ key: KEY, value: '1' })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet({ value: sql<string>`CAST(settings.value + 1 AS TEXT)` }),
    )
    .returning('value')
    .executeTakeFirstOrThrow()
  return Number(value)
}
