/**
 * That a server which has lost the lock of its database writes nothing any more, even before it knows. Each server that
 * gets the lock writes a term of its own into the database and then ends all connections of earlier ones. A connection that
 * is opened later is used only if the term is still that of its server. So after the next server has begun, no statement of
 * an earlier one is carried out: its connections are gone, and it gets no other.
 */
import { type Kysely, sql } from 'kysely'
import type pg from 'pg'
import { Failure } from '../../errors/index.ts'

/** Of the settings in the database. */
const KEY = 'server-term'
export const APPLICATION = 'backtrail'

/** For whoever has the lock: nobody works under an earlier term from here on. */
export async function beginTerm(database: Kysely<unknown>, term: string): Promise<void> {
  await sql`
    INSERT INTO settings (key, value) VALUES (${KEY}, ${term})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value`.execute(database)
  // After the term is committed: a connection that was opened before is in this list, and a later one finds the new term.
  await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = ${APPLICATION} AND datname = current_database() AND usename = current_user
      AND pid <> pg_backend_pid()`.execute(database)
}

/** Throws `database.locked` where another server has begun a term. The search path leads to our tables. */
export async function demandTerm(client: pg.ClientBase, term: string): Promise<void> {
  const { rows } = await client.query<{ value: string }>('SELECT value FROM settings WHERE key = $1', [KEY])
  if (rows[0]?.value === term) return
  throw new Failure(
    'database.locked',
    'Another Backtrail server has taken over this database; this one does nothing more.',
  )
}
