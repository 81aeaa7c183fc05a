import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { until } from '../../../test/until.ts'
import { DatabaseHealth } from '../database-health.ts'
import { newDatabase, noServer } from './server.fixture.ts'
import { LOCK, lockServer, queueForServer } from './server-lock.ts'
import { openPostgresStore } from './store.ts'

const skip = noServer

/** Ends the session of the lock, as a lost connection does; gives whether there was one. */
async function endSession(url: string): Promise<boolean> {
  const client = new pg.Client(url)
  await client.connect()
  const { rowCount } = await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name LIKE 'backtrail lock %' AND datname = current_database()`,
  )
  await client.end()
  return (rowCount ?? 0) > 0
}

const isLocked = (url: string) => hasLock(url, 'granted')
const isWaitedFor = (url: string) => hasLock(url, 'NOT granted')

async function hasLock(url: string, state: 'granted' | 'NOT granted'): Promise<boolean> {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query(
    `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND ${state}
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  await client.end()
  return rows.length > 0
}

test('one server at a time has the lock of a database, and the next one when it was released', { skip }, async () => {
  const url = await newDatabase()
  const lock = await lockServer(url)
  await assert.rejects(lockServer(url), { code: 'database.locked', message: /Another Backtrail server/ })
  await lock.release()
  await (await lockServer(url)).release()
  // Those of other databases are others.
  const [one, two] = [await lockServer(url), await lockServer(await newDatabase())]
  await one.release()
  await two.release()
})

test('a lock whose session was lost is taken again', { skip }, async () => {
  const url = await newDatabase()
  const lock = await lockServer(url, { lookMs: 20, backWithinMs: 600_000 })
  assert.ok(await endSession(url))
  await until(() => isLocked(url), 'the lock is taken')
  await assert.rejects(lockServer(url), { code: 'database.locked' })
  await lock.release()
  assert.equal(await isLocked(url), false)
})

test('sessions in which a lost lock cannot be asked for are ended', { skip, timeout: 60_000 }, async (t) => {
  const url = await newDatabase()
  const other = new pg.Client(url)
  await other.connect()
  t.after(() => other.end())
  await other.query('CREATE ROLE limited LOGIN')
  const lock = await lockServer(url.replace('backtrail@', 'limited@'), { lookMs: 20, backWithinMs: 1_200 })
  await other.query('REVOKE EXECUTE ON FUNCTION pg_try_advisory_lock(int, int) FROM PUBLIC')
  assert.ok(await endSession(url))
  await assert.rejects(lock.lost, { code: 'database.locked', message: /permission denied/ })
  const sessions = () => other.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'limited'")
  await until(async () => (await sessions()).rows.length === 0, 'the sessions are gone')
  await lock.release()
})

test('a lock that another server has got meanwhile is lost, and its holder hears of it', { skip }, async () => {
  const url = await newDatabase()
  const lock = await lockServer(url, { lookMs: 20, backWithinMs: 100 })
  const { client: other, taken } = await nextHolder(url)
  assert.ok(await endSession(url))
  await taken
  await assert.rejects(lock.lost, { code: 'database.locked', message: /this server ends/ })
  await lock.release()
  await other.end()
})

test('a server that lost the lock without knowing writes nothing once the next one has begun', { skip }, async () => {
  const url = await newDatabase()
  const health = new DatabaseHealth()
  const lock = await lockServer(url, { lookMs: 600_000, backWithinMs: 600_000 })
  const store = await openPostgresStore(url, health, lock.term)
  await store.settings.set('a', 'first')
  assert.ok(await endSession(url))
  await until(async () => !(await isLocked(url)), 'the lock is free')
  // Nobody has taken over yet.
  await store.settings.set('a', 'still first')

  const started = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const unit = store.transaction('logIn', async ({ settings }) => {
    await settings.set('a', 'under way')
    started.resolve()
    await goOn.promise
    await settings.set('a', 'under way still')
  })
  const refused = assert.rejects(unit, { code: 'database.locked' })
  await started.promise
  const next = await lockServer(url)
  const nextStore = await openPostgresStore(url, health, next.term)
  goOn.resolve()
  await refused
  await assert.rejects(store.settings.set('a', 'late'), { code: 'database.locked', message: /taken over/ })
  assert.equal(await nextStore.settings.find('a'), 'still first')
  await nextStore.settings.set('a', 'second')
  await next.release()
  await assert.rejects(store.settings.find('a'), { code: 'database.locked' })
  for (const each of [store, nextStore]) await each.close()
  await lock.release()
})

test('a lock that another server had meanwhile is lost, also when it is free again', { skip }, async () => {
  const url = await newDatabase()
  const lock = await lockServer(url, { lookMs: 1_000, backWithinMs: 600_000 })
  const store = await openPostgresStore(url, new DatabaseHealth(), lock.term)
  const { client, taken } = await nextHolder(url)
  assert.ok(await endSession(url))
  await taken
  await client.query("UPDATE backtrail.settings SET value = 'another' WHERE key = 'server-term'")
  await client.end()
  await assert.rejects(lock.lost, { code: 'database.locked', message: /another server has worked on it/ })
  await lock.release()
  await store.close()
})

test('the session of a server that is silent is ended, and not that of one that has got the lock from it', {
  skip,
}, async () => {
  const url = await newDatabase()
  const silent = await lockServer(url, { lookMs: 600_000, backWithinMs: 600_000 })
  const queue = await queueForServer(url)
  assert.equal(await queue.take(), null)
  await queue.endHolder('of another server')
  assert.equal(await queue.take(), null)
  await queue.endHolder(silent.term)
  await until(async () => !(await isLocked(url)), 'the lock is free')
  const next = await queue.take()
  assert.ok(next !== null && next.term !== silent.term)
  await queue.endHolder(silent.term)
  assert.ok(await isLocked(url))
  await next.release()
  await silent.release()
  await queue.close()
})

/** Waits for the lock, so that it has it as soon as the session of the other ends. */
async function nextHolder(url: string) {
  const client = new pg.Client(url)
  await client.connect()
  const taken = client.query('SELECT pg_advisory_lock($1, $2)', [...LOCK])
  await until(() => isWaitedFor(url), 'the lock is waited for')
  return { client, taken }
}

test('a database that cannot be reached is one that cannot be used', async () => {
  await assert.rejects(lockServer('postgres://backtrail@127.0.0.1:1/backtrail'), {
    code: 'database.unusable',
    message: /ECONNREFUSED/,
  })
})
