import { setTimeout as delay } from 'node:timers/promises'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { Failure } from '../../errors/index.ts'
import type { DatabaseHealth } from '../database-health.ts'
import { storable } from '../storable.ts'
import { APPLICATION } from './fence.ts'

/** The schema that the tables are in, so that Backtrail may share a database with others. */
export const SCHEMA = 'backtrail'

/** How long somebody waits for a connection, also while the server starts anew. */
export const WAIT_MS = 15_000
const AGAIN_MS = 250
/** How often a question is asked whose connection is lost each time: it may be the question that ends them. */
const MOST_TRIES = 10

/** Looks at a connection before it is used for the first time; it is ended where that fails. */
export type Inspect = (client: pg.PoolClient) => Promise<void>

interface Connecting {
  readonly inspect?: Inspect
  /** How the database calls who is connected. */
  readonly name?: string
  /** How long somebody waits for a connection, whether PostgreSQL is away or all connections are busy. */
  readonly waitMs?: number
}

/**
 * Connections to the database of this address, `most` at once, as Kysely asks for them; `sslmode` and `sslrootcert` in it
 * are for TLS. Who gets none in time is told so with `storage.unavailable`.
 */
export function connectionsTo(
  url: string,
  most: number,
  health: DatabaseHealth,
  { inspect = async () => {}, name = APPLICATION, waitMs = WAIT_MS }: Connecting = {},
): PostgresPool {
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path=${SCHEMA}`,
    application_name: name,
    max: most,
    keepAlive: true,
    connectionTimeoutMillis: waitMs,
    types: { getTypeParser: parserOf } as pg.CustomTypesConfig,
  })
  // A connection that was lost while nobody used it: the next one who asks gets another.
  pool.on('error', () => {})
  const connect = async () => {
    const waiting = performance.now()
    for (;;) {
      try {
        return await understanding(await pool.connect(), { health, inspect, connect })
      } catch (error) {
        if (isWaitOver(error)) throw new NoConnection(error)
        if (!isComingBack(error)) throw error
        if (performance.now() - waiting > waitMs) throw new NoConnection(error)
        await delay(AGAIN_MS)
      }
    }
  }
  return { options: pool.options, end: () => pool.end(), connect }
}

/** What was asked for was not done, or nobody knows. */
class LostConnection extends Failure {
  constructor(cause: unknown) {
    super(
      'storage.unavailable',
      'PostgreSQL does not answer, or the connection to it was lost; whether what was to be changed was changed is not known. Try again in a moment.',
    )
    this.cause = cause
  }
}

/** Nothing was asked at all: PostgreSQL was away for as long as anybody waits, or all connections were busy. */
class NoConnection extends LostConnection {}

interface Understanding {
  readonly health: DatabaseHealth
  readonly inspect: Inspect
  /** Another connection, as soon as there is one. */
  readonly connect: () => Promise<PostgresPoolClient>
}

/** `tries`: the number of this one, from 1 on. */
type Ask = (text: string, parameters: readonly unknown[], tries?: number) => Promise<unknown>

/** The same connection for the same client: Kysely knows connections by their identity. */
const understood = new WeakMap<pg.PoolClient, PostgresPoolClient>()

async function understanding(
  client: pg.PoolClient,
  { health, inspect, connect }: Understanding,
): Promise<PostgresPoolClient> {
  const known = understood.get(client)
  if (known) return known
  // Between two statements of a unit nobody else hears that the connection is gone; the next statement is told.
  client.on('error', () => {})
  try {
    await inspect(client)
  } catch (error) {
    client.release(true)
    throw error
  }
  let isInUnit = false
  let isReleased = false
  const release = (error?: boolean) => {
    // The pool may have given it to somebody else since.
    if (!isReleased) client.release(error)
  }
  const query: Ask = async (text, parameters, tries = 1) => {
    if (ENDS.test(text)) isInUnit = false
    try {
      const answer = await client.query(text, parameters.map(toParameter))
      // Only now: nobody ends a unit that did not begin, and the connection may be used by somebody else then.
      if (BEGINS.test(text)) isInUnit = true
      return answer
    } catch (error) {
      if (!isLost(error)) throw explained(error, health)
      if (isInUnit || !READS.test(text) || tries === MOST_TRIES) throw new LostConnection(error)
      // A question by itself is asked again. First the place in the pool is free, since all others may wait for one too.
      release(true)
      isReleased = true
      const other = await connect()
      try {
        return await (other.query as unknown as Ask)(text, parameters, tries + 1)
      } finally {
        other.release()
      }
    }
  }
  const connection = { query, release } as unknown as PostgresPoolClient
  understood.set(client, connection)
  return connection
}

const BEGINS = /^(?:begin|start transaction)\b/i
const ENDS = /^(?:commit|rollback)$/i
const READS = /^\s*select\b/i

function toParameter(value: unknown): unknown {
  return typeof value === 'string' ? storable(value) : value
}

const [BYTES, BIGINT, NUMERIC] = [17, 20, 1700]

function parserOf(type: number, format?: 'text' | 'binary'): unknown {
  if (type === BYTES) return (text: string) => Uint8Array.fromHex(text.slice(2))
  if (type === BIGINT || type === NUMERIC) return toNumber
  return pg.types.getTypeParser(type, format as 'text')
}

/** Numbers beyond those that are exact here are refused, never rounded. */
function toNumber(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new RangeError(`The database gave ${text}, which is no exact number here.`)
  return number
}

function explained(error: unknown, health: DatabaseHealth): unknown {
  const code = codeOf(error)
  if (code === DISK_FULL)
    return new Failure('storage.full', 'The storage of the database is full; free some space and try again.')
  if (DAMAGED.includes(code)) {
    const { message } = error as Error
    health.report(message)
    return new Failure('database.damaged', `The database is damaged (${message}). See the log of PostgreSQL.`)
  }
  return error
}

const DISK_FULL = '53100'
const TOO_MANY_CONNECTIONS = '53300'
/** What could not be read, or is not what it was: a page, an index. */
const DAMAGED = ['58030', 'XX001', 'XX002']

/** The transaction was taken back, because of others that ran at the same time. */
export function wasTakenBack(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error))
}

/** The connection is gone, and with it what was not committed. */
export function isLost(error: unknown): boolean {
  if (error instanceof LostConnection) return true
  const code = codeOf(error)
  return (
    ['57P01', '57P02', '57P03', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code) ||
    code.startsWith('08') ||
    (error instanceof Error && /Connection terminated|not queryable/i.test(error.message))
  )
}

/** Whether somebody has waited for a connection for as long as anybody does. */
export function hasWaited(error: unknown): boolean {
  return error instanceof NoConnection
}

/** The pool's own words, which have no code: it gave none of its connections away in time, or made none. */
function isWaitOver(error: unknown): boolean {
  return (
    error instanceof Error &&
    /timeout exceeded when trying to connect|connection timeout|timeout expired/i.test(error.message)
  )
}

/** Nobody answers at the moment: the server is starting, was ended a moment ago, or has as many connections as it takes. */
function isComingBack(error: unknown): boolean {
  const away = ['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', TOO_MANY_CONNECTIONS]
  return isLost(error) || away.includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
