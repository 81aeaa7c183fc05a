/** Sessions of PostgreSQL that are kept for the sake of a lock: it lasts as long as they do. */
import pg from 'pg'
import { Failure } from '../../errors/index.ts'
import { SCHEMA } from './connection.ts'
import { APPLICATION } from './fence.ts'

const CONNECT_MS = 10_000

export async function session(url: string, what: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    // Not that of other connections, which the next server ends.
    application_name: `${APPLICATION} ${what}`,
    options: `-c search_path=${SCHEMA}`,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  })
  // That it is gone is found by the next question.
  client.on('error', () => {})
  await client.connect()
  return client
}

export async function isAlive(client: pg.Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  )
}

/**
 * Two connections, of which one holds a transaction: with a proxy that gives a connection of the server to each transaction,
 * the second gets what the first has just used, and the first then another.
 */
export async function demandSessions(url: string): Promise<void> {
  const [first, second] = [await session(url, 'lock'), await session(url, 'lock')]
  try {
    const before = await processOf(first)
    await second.query('BEGIN')
    const other = await processOf(second)
    const after = await processOf(first)
    await second.query('ROLLBACK')
    if (before === after && before !== other) return
  } finally {
    await Promise.allSettled([first.end(), second.end()])
  }
  throw new Failure(
    'database.unusable',
    'The address of --database leads to a proxy that pools transactions (such as PgBouncer with pool_mode = transaction), where locks of sessions do not hold. Name PostgreSQL itself, or a pool of sessions.',
  )
}

async function processOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ process: number }>('SELECT pg_backend_pid() AS process')
  return rows[0]?.process
}
