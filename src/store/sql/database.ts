import type { Kysely, Transaction as KyselyTransaction } from 'kysely'
import type { Schema } from '../schema.ts'

/** `destroy()` closes it. A `Transaction` is a `Database` too. */
export type Database = Kysely<Schema>
export type Transaction = KyselyTransaction<Schema>
