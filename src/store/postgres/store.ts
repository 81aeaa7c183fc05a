import { setTimeout as delay } from 'node:timers/promises'
import {
  HandleEmptyInListsPlugin,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  replaceWithNoncontingentExpression,
  sql,
} from 'kysely'
import type pg from 'pg'
import { Failure } from '../../errors/index.ts'
import type { DatabaseHealth } from '../database-health.ts'
import type { Schema } from '../schema.ts'
import type { Database, Transaction } from '../sql/database.ts'
import { storeOver } from '../sql/repositories.ts'
import type { Store } from '../store.ts'
import type { Tables } from '../tables.ts'
import { type UnitName, unitsOfWork } from '../units-of-work.ts'
import { connectionsTo, hasWaited, isLost, WAIT_MS, wasTakenBack } from './connection.ts'
import { postgresEngine } from './engine.ts'
import { APPLICATION, beginTerm, demandTerm } from './fence.ts'
import { demandNewestSchema, isOlderOrSame, migrate } from './migrate.ts'
import { tablesOf } from './tables.ts'

const CONNECTIONS = 10
const STANDBY_CONNECTIONS = 2
const FOLD_EVERY_MS = 60_000

/**
 * Opens the database at `postgres://…`, making its tables or bringing them up to date first. `database.unusable` where it
 * cannot be reached or worked with. With a term, it is used for as long as no other one begins: after that all fails with
 * `database.locked`.
 */
export async function openPostgresStore(url: string, health: DatabaseHealth, term?: string): Promise<Store> {
  return (await openPostgresTables(url, health, term)).store
}

/** The same, and the tables themselves, for whoever copies all of them. */
export async function openPostgresTables(
  url: string,
  health: DatabaseHealth,
  term?: string,
): Promise<{ readonly store: Store; readonly tables: Tables }> {
  const database = await openPostgres(url, health, term)
  // Counts that are folded later are as right as before.
  const folding = setInterval(() => void foldCounts(database).catch(() => {}), FOLD_EVERY_MS).unref()
  const store = storeOver(database, postgresEngine, (unit, work) => runUnit(database, unit, work))
  const closing = {
    async close() {
      clearInterval(folding)
      await store.close()
    },
  }
  return { store: { ...store, ...closing }, tables: tablesOf(database) }
}

/**
 * Opens the database for a node of its cluster, which changes no tables. `database.unusable` where its schema is another one
 * than this program's. Servers that begin a term leave these connections alone: nodes write nothing without a fence.
 */
export async function openStoreOfNode(url: string, health: DatabaseHealth): Promise<Store> {
  const database = kyselyOver(connectionsTo(url, CONNECTIONS, health, { name: `${APPLICATION} node` }))
  try {
    await demandNewestSchema(database as unknown as Kysely<unknown>)
  } catch (error) {
    await database.destroy()
    throw asUnusable(error)
  }
  return storeOver(database, postgresEngine, (unit, work) => runUnit(database, unit, work))
}

/**
 * The same for a server that stands by, which may be of another version than the one that works: what it asks for may be
 * missing.
 */
export function openStoreOfStandby(url: string, health: DatabaseHealth): Store {
  const database = kyselyOver(connectionsTo(url, STANDBY_CONNECTIONS, health, { name: `${APPLICATION} stand-by` }))
  return storeOver(database, postgresEngine, (unit, work) => runUnit(database, unit, work))
}

export async function openPostgres(url: string, health: DatabaseHealth, term?: string): Promise<Database> {
  let hasBegun = false
  const inspect = async (client: pg.PoolClient) => {
    if (hasBegun && term !== undefined) await demandTerm(client, term)
  }
  const database = kyselyOver(connectionsTo(url, CONNECTIONS, health, { inspect }))
  try {
    // First, since what an earlier server had begun and left open, stopped or cut off, would keep its locks on tables.
    const tables = database as unknown as Kysely<unknown>
    const begin = async () => term !== undefined && beginTerm(tables, term)
    const areThere = await isOlderOrSame(tables)
    if (areThere) await begin()
    await migrate(tables)
    if (!areThere) await begin()
    hasBegun = true
    return database
  } catch (error) {
    await database.destroy()
    throw asUnusable(error)
  }
}

export function kyselyOver(pool: PostgresPool): Database {
  return new Kysely<Schema>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })],
  })
}

function asUnusable(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('database.unusable', `PostgreSQL cannot be used: ${(error as Error).message}.`)
}

/**
 * Units that must see all that others have begun, or that others must wait for; they are few and short. What such a unit
 * reads is final: no sample is admitted with a smaller id than the last one it saw, no sample that it took for queued is
 * completed with the rulesets of before, no entry of a feed gets a second that was given out, and no event of a channel
 * comes behind its cursor.
 */
const gates: Readonly<Partial<Record<UnitName, 'passing' | 'alone'>>> = {
  admitSamples: 'passing',
  completeSamples: 'passing',
  recordReanalysis: 'passing',
  advanceHunt: 'passing',
  readFeed: 'passing',
  startHunt: 'alone',
  changeRules: 'alone',
  readTenantFeed: 'alone',
  recordScanErrors: 'passing',
  changeHunt: 'passing',
  notify: 'alone',
}
const locks = { passing: sql`ROW SHARE`, alone: sql`EXCLUSIVE` } as const

const MOST_TRIES = 20
const LONGEST_PAUSE_MS = 200

/**
 * Runs a unit with the isolation that it declares. It is run again where it was taken back for the sake of others that
 * ran at the same time, and where its connection was lost before it was to be committed: for some seconds after the first
 * loss. Where the loss came during the commit nobody knows whether it is true, and the caller is told. What stays in
 * the way is told as `storage.unavailable`.
 */
export async function runUnit<T>(
  database: Database,
  unit: UnitName,
  work: (trx: Transaction) => Promise<T>,
): Promise<T> {
  const gate = gates[unit]
  let lostSince: number | null = null
  for (let tries = 1; ; tries++) {
    let isDone = false
    try {
      return await database
        .transaction()
        .setIsolationLevel(unitsOfWork[unit])
        .execute(async (trx) => {
          // Before the first query, which decides what the unit sees: after it, waiting for others would be in vain.
          if (gate) await sql`LOCK TABLE unit_gate IN ${locks[gate]} MODE`.execute(trx)
          const result = await work(trx)
          isDone = true
          return result
        })
    } catch (error) {
      if (wasTakenBack(error)) {
        if (tries >= MOST_TRIES) throw tooManyAtOnce(error)
      } else {
        if (isDone || !isLost(error) || hasWaited(error)) throw error
        lostSince ??= performance.now()
        if (tries >= MOST_TRIES || performance.now() - lostSince > WAIT_MS) throw error
      }
    }
    await delay(Math.random() * Math.min(LONGEST_PAUSE_MS, 5 * 2 ** tries))
  }
}

function tooManyAtOnce(cause: unknown): Failure {
  const failure = new Failure(
    'storage.unavailable',
    `Too many changed the same at the same time: PostgreSQL has taken this change back ${MOST_TRIES} times. Try again in a moment.`,
  )
  failure.cause = cause
  return failure
}

/**
 * Makes one row of all that count the same. Rows that are added meanwhile are not seen and stay; of two who fold at once,
 * one finds nothing left to fold.
 */
export async function foldCounts(database: Database): Promise<void> {
  await sql`
    WITH folded AS (DELETE FROM sample_counts RETURNING *)
    INSERT INTO sample_counts (classification, state, samples, bytes)
    SELECT classification, state, sum(samples), sum(bytes) FROM folded GROUP BY classification, state`.execute(database)
  await sql`
    WITH folded AS (DELETE FROM ruleset_counts RETURNING *)
    INSERT INTO ruleset_counts (ruleset_id, classification, matches)
    SELECT ruleset_id, classification, sum(matches) FROM folded GROUP BY ruleset_id, classification`.execute(database)
}
