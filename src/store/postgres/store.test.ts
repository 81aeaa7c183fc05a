import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { enter, stop, stopKind } from '../../hunts/hunt-row.ts'
import { DatabaseHealth } from '../database-health.ts'
import { addProcessedSample } from '../processed-sample.fixture.ts'
import type { Store } from '../store.ts'
import { unitsOfWork } from '../units-of-work.ts'
import { connectionsTo } from './connection.ts'
import { newDatabase, noServer, postgresServer } from './server.fixture.ts'
import { foldCounts, kyselyOver, openPostgres, openPostgresStore, runUnit } from './store.ts'

const skip = noServer
/** For what would never end; nothing that is measured. */
const timeout = 120_000

async function opened(t: TestContext, address: string): Promise<Store> {
  const store = await openPostgresStore(address, new DatabaseHealth())
  t.after(() => store.close())
  return store
}

/** A connection beside the store's. */
async function beside(t: TestContext, address: string): Promise<pg.Client> {
  const client = new pg.Client(address)
  client.on('error', () => {})
  await client.connect()
  t.after(() => client.end())
  await client.query('SET search_path = backtrail')
  return client
}

/** A store on a database of its own, and a connection beside it. */
async function openedBeside(t: TestContext) {
  const address = await newDatabase()
  return { address, store: await opened(t, address), client: await beside(t, address) }
}

/** Until so many wait for another one's lock. */
async function untilWaiting(client: pg.Client, least = 1): Promise<void> {
  for (const started = performance.now(); performance.now() - started < timeout / 2; await delay(20)) {
    const { rowCount } = await client.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    if ((rowCount ?? 0) >= least) return
  }
  throw new Error('Nobody has waited.')
}

test('units that count one thing up at the same time lose nothing, in every isolation', {
  skip,
  timeout,
}, async (t) => {
  const store = await opened(t, await newDatabase())
  const units = ['signOn', 'readFeed', 'changeRules'] as const
  assert.ok(units.every((unit) => unitsOfWork[unit] === 'serializable'))
  const addOne = async (at: number) =>
    store.transaction(units[at % units.length] ?? 'signOn', async ({ settings }) => {
      const before = Number((await settings.find('n')) ?? 0)
      await settings.set('n', String(before + 1))
    })
  await Promise.all(Array.from({ length: 12 }, (_, at) => addOne(at)))
  assert.equal(await store.settings.find('n'), '12')
})

test('each unit runs with the isolation that it declares', { skip, timeout }, async (t) => {
  const { store, client } = await openedBeside(t)
  for (const [unit, expected] of [
    ['readLiveSet', [null, null]],
    ['changePassword', [null, 'meanwhile']],
    ['findOperator', [null, null]],
  ] as const) {
    const seen = await store.transaction(unit, async ({ settings }) => {
      const first = await settings.find('k')
      await client.query("INSERT INTO settings (key, value) VALUES ('k', 'meanwhile')")
      return [first, await settings.find('k')]
    })
    assert.deepEqual(seen, expected, `${unit}: ${unitsOfWork[unit]}`)
    await client.query("DELETE FROM settings WHERE key = 'k'")
  }
})

test('a unit whose connection is lost is run again, and what fails for its own reasons is not', {
  skip,
  timeout,
}, async (t) => {
  const { store, client } = await openedBeside(t)
  let runs = 0
  await store.transaction('changeCloud', async ({ settings }) => {
    runs++
    await settings.set('n', String(runs))
    if (runs === 1) {
      await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
      )
    }
    await settings.set('after', 'yes')
  })
  assert.deepEqual([runs, await store.settings.find('n'), await store.settings.find('after')], [2, '2', 'yes'])
  let tries = 0
  const failing = store.transaction('changeCloud', async ({ settings }) => {
    tries++
    await settings.set('n', 'lost')
    throw new Error('change of mind')
  })
  await assert.rejects(failing, /change of mind/)
  assert.deepEqual([tries, await store.settings.find('n')], [1, '2'])
})

test('questions whose connection is lost are asked again; a change is not, and fails as one of which nobody knows', {
  skip,
  timeout,
}, async (t) => {
  const address = await newDatabase()
  const store = await opened(t, address)
  // What is active is seen once in a transaction, so somebody else looks.
  const [holder, client] = [await beside(t, address), await beside(t, address)]
  await store.settings.set('k', 'before')
  await holder.query('BEGIN')
  await holder.query('LOCK TABLE settings IN ACCESS EXCLUSIVE MODE')
  const change = store.settings.set('k', 'after').then(
    () => null,
    (error: unknown) => error,
  )
  // More than there are connections: each that is lost leaves its place to another one.
  const found = Promise.all(Array.from({ length: 15 }, () => store.settings.find('k')))
  try {
    await untilWaiting(client, 10)
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'backtrail'",
    )
  } finally {
    await holder.query('COMMIT')
  }
  assert.deepEqual([...new Set(await found)], ['before'])
  const failure = (await change) as { readonly code?: string; readonly status?: number }
  assert.deepEqual([failure.code, failure.status], ['storage.unavailable', 503])
})

test('a question that ends each connection it is asked on is given up', { skip, timeout }, async (t) => {
  const database = await openPostgres(await newDatabase(), new DatabaseHealth())
  t.after(() => database.destroy())
  const fatal = sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(database)
  await assert.rejects(fatal, { code: 'storage.unavailable' })
})

test('on the connection of a unit that could not begin, questions are asked again too', {
  skip,
  timeout,
}, async (t) => {
  const pool = connectionsTo(await newDatabase(), 1, new DatabaseHealth())
  const connection = await pool.connect()
  t.after(() => {
    connection.release()
    return pool.end()
  })
  const ask = (text: string) => connection.query(text, []) as unknown as Promise<{ rows: { pid: number }[] }>
  await assert.rejects(ask('begin no such thing'), /syntax error/)
  const [{ pid } = { pid: 0 }] = (await ask('select pg_backend_pid() AS pid')).rows
  const ended = `select pg_backend_pid() AS pid, CASE WHEN pg_backend_pid() = ${pid} THEN pg_terminate_backend(${pid}) END`
  assert.notEqual((await ask(ended)).rows[0]?.pid, pid)
})

test('where no connection is free the caller is told that the storage is not there, and a unit says so at once', {
  skip,
  timeout,
}, async (t) => {
  const address = await newDatabase()
  await opened(t, address)
  const pool = connectionsTo(address, 1, new DatabaseHealth(), { waitMs: 200 })
  const connect = t.mock.method(pool, 'connect')
  const database = kyselyOver(pool)
  t.after(() => {
    release()
    return database.destroy()
  })
  const holder = await pool.connect()
  let isHeld = true
  const release = () => {
    if (isHeld) holder.release()
    isHeld = false
  }
  const away = { code: 'storage.unavailable', status: 503 }
  await assert.rejects(sql`SELECT 1`.execute(database), away)
  connect.mock.resetCalls()
  await assert.rejects(
    runUnit(database, 'changeCloud', async () => {}),
    away,
  )
  assert.equal(connect.mock.callCount(), 1, 'who has waited does not wait anew')
  release()
  assert.equal(await runUnit(database, 'changeCloud', async () => 'done'), 'done')
})

test('a unit that PostgreSQL takes back each time fails as one that may be tried again', {
  skip,
  timeout,
}, async (t) => {
  const database = await openPostgres(await newDatabase(), new DatabaseHealth())
  t.after(() => database.destroy())
  t.mock.method(Math, 'random', () => 0)
  let tries = 0
  const takenBack = runUnit(database, 'changeCloud', async (trx) => {
    tries++
    await sql`DO $$ BEGIN RAISE EXCEPTION 'taken back' USING ERRCODE = '40001'; END $$`.execute(trx)
  })
  await assert.rejects(takenBack, { code: 'storage.unavailable', status: 503, message: /20 times/ })
  assert.equal(tries, 20)
})

test('a hunt ends in no moment in which somebody reads events: that waits, or is waited for', {
  skip,
  timeout,
}, async (t) => {
  const { store, client } = await openedBeside(t)
  await store.users.add({ name: 'u', passwordHash: '', role: 'administrator', contributes: false, created: 1 })
  const add = async (kind: 'ad-hoc' | 'local-retro') => {
    const id = await store.hunts.add({ kind, state: 'queued', startedBy: 1, created: 1, lastSampleId: 0 })
    return (await store.hunts.claim(id, 2)) ?? assert.fail('it is not there')
  }
  const [held, second] = [await add('ad-hoc'), await add('ad-hoc'), await add('local-retro')]
  for (const end of [
    () => enter(store, held, 'failed', 'a defect'),
    () => stop(store, second.id, 1),
    () => stopKind(store, 'local-retro', 1),
  ]) {
    await client.query('BEGIN')
    await client.query('LOCK TABLE unit_gate IN EXCLUSIVE MODE')
    const ending = end()
    await Promise.race([untilWaiting(client), ending.then(() => assert.fail('it has not waited'))])
    await client.query('COMMIT')
    assert.equal(await ending, true)
  }
})

test('the store goes on after the server was ended and started anew', { skip, timeout }, async (t) => {
  const store = await opened(t, await newDatabase())
  await store.settings.set('kept', 'yes')
  await (await postgresServer()).restart()
  const found = await store.transaction('changeCloud', async ({ settings }) => settings.find('kept'))
  assert.equal(found, 'yes')
  assert.equal(await store.settings.find('kept'), 'yes')
})

test('parts of the work that are lost when PostgreSQL crashes leave their numbers to no later ones', {
  skip,
  timeout,
}, async (t) => {
  const address = await newDatabase()
  await opened(t, address)
  const offered = async (client: pg.Client) => {
    const { rows } = await client.query<{ id: string; process: number }>(`
      WITH made AS (INSERT INTO hunt_part_rules (version, rules) VALUES ('1', '') RETURNING id)
      INSERT INTO hunt_parts (rules_id, kind, input, created) SELECT id, 'verify', '', 0 FROM made
      RETURNING id, pg_backend_pid() AS process`)
    return rows[0] ?? assert.fail('nothing was offered')
  }
  const client = await beside(t, address)
  // A commit that is waited for: those of the fixture are not.
  await client.query('SET synchronous_commit = on')
  const { id, process: backEnd } = await offered(client)
  process.kill(backEnd, 'SIGKILL')
  await delay(100)
  await (await postgresServer()).answer()
  const later = await beside(t, address)
  assert.equal((await later.query('SELECT id FROM hunt_parts')).rowCount, 0)
  assert.ok(Number((await offered(later)).id) > Number(id))
})

test('a hunt that starts while a sample is admitted waits for it, and covers it', { skip, timeout }, async (t) => {
  const { store, client } = await openedBeside(t)
  const { promise: isAdding, resolve: added } = Promise.withResolvers<void>()
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  const admitting = store.transaction('admitSamples', async (tx) => {
    const id = await addProcessedSample(tx, 'slow')
    added()
    await mayEnd
    return id
  })
  await isAdding
  const starting = store.transaction('startHunt', ({ samples }) => samples.lastId())
  try {
    await untilWaiting(client)
  } finally {
    end()
  }
  assert.equal(await starting, await admitting)
})

test('counts are the same before and after they are folded, also while rows are added', {
  skip,
  timeout,
}, async (t) => {
  const address = await newDatabase()
  const store = await opened(t, address)
  const database = await openPostgres(address, new DatabaseHealth())
  t.after(() => database.destroy())
  const adding = Promise.all(
    Array.from({ length: 12 }, (_, at) => addProcessedSample(store, `sample ${at}`, { size: 10 })),
  )
  const folding = Promise.all([foldCounts(database), foldCounts(database), foldCounts(database)])
  await Promise.all([adding, folding])
  await foldCounts(database)
  assert.deepEqual(await store.samples.totals(), {
    samples: 12,
    bytes: 120,
    queued: 0,
    byClassification: [12, 0, 0, 0],
  })
  const rows = await database.selectFrom('sample_counts').selectAll().where('samples', '<>', 0).execute()
  assert.equal(rows.length, 1)
})

test('a number that is not exact here is refused, and one that is comes as a number', { skip, timeout }, async (t) => {
  const { store, client } = await openedBeside(t)
  const sample = await addProcessedSample(store, 'large', { size: Number.MAX_SAFE_INTEGER })
  assert.equal((await store.samples.findByIds([sample])).get(sample)?.size, Number.MAX_SAFE_INTEGER)
  await client.query('UPDATE samples SET size = 9007199254740993')
  await assert.rejects(store.samples.findByIds([sample]), /9007199254740993.*no exact number/)
})

test('a database that cannot be worked with is refused with a sentence', { skip, timeout }, async (t) => {
  const health = new DatabaseHealth()
  const refused = (address: string, message: RegExp) =>
    assert.rejects(openPostgresStore(address, health), { code: 'database.unusable', message })
  const newer = await newDatabase()
  await (await openPostgresStore(newer, health)).close()
  await (await beside(t, newer)).query('INSERT INTO schema_steps (number) VALUES (4711)')
  await refused(newer, /newer Backtrail \(schema 4711/)
  const foreign = await newDatabase()
  await (await beside(t, foreign)).query('CREATE SCHEMA backtrail CREATE TABLE contacts (name text)')
  await refused(foreign, /another program/)
  await refused(newer.replace('/test_', '/none_'), /^PostgreSQL cannot be used: .*none_/)
})

test('several that start on an empty database at once make its tables once', { skip, timeout }, async (t) => {
  const address = await newDatabase()
  const stores = await Promise.all([1, 2, 3].map(() => opened(t, address)))
  await stores[0]?.settings.set('k', 'v')
  assert.deepEqual(await Promise.all(stores.map((store) => store.settings.find('k'))), ['v', 'v', 'v'])
})

test('a server that begins does not wait for what an earlier one, stopped in the middle of it, has left open', {
  skip,
  timeout,
}, async (t) => {
  const address = await newDatabase()
  await opened(t, address)
  const stopped = new pg.Client({ connectionString: address, application_name: 'backtrail' })
  stopped.on('error', () => {})
  await stopped.connect()
  t.after(() => stopped.end().catch(() => {}))
  await stopped.query('BEGIN')
  // As while it brings tables up to date.
  await stopped.query('SELECT pg_advisory_xact_lock($1)', [0x426b5472])
  const store = await openPostgresStore(address, new DatabaseHealth(), 'the next term')
  t.after(() => store.close())
  assert.equal(await store.settings.find('server-term'), 'the next term')
  await assert.rejects(stopped.query('SELECT 1'))
})
