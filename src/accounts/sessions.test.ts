import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { Accounts, sessionLength } from './index.ts'

const HOUR_MS = 3_600_000

let folder: string
let database: Database
let accounts: Accounts
let time = 0

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-sessions-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  time = Date.UTC(2026, 10, 22)
  accounts = new Accounts(storeOf(database), () => time)
  await accounts.users.add({ name: 'ana', password: 'long enough', role: 'user' })
})

afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

const logIn = async () => (await accounts.credentials.logInSession('ana', 'long enough', '127.0.0.1')).secret

test('a session is whose password opened it, until it is closed', async () => {
  const secret = await logIn()
  assert.equal((await accounts.sessions.account(secret))?.name, 'ana')
  assert.equal(await accounts.sessions.account(`${secret}x`), null)
  await accounts.sessions.close(secret)
  assert.equal(await accounts.sessions.account(secret), null)
})

test('a wrong password opens no session', async () => {
  await assert.rejects(accounts.credentials.logInSession('ana', 'wrong password', '127.0.0.1'), {
    code: 'login.refused',
  })
})

test('the secret itself is not in the database', async () => {
  const secret = await logIn()
  const [row] = await database.selectFrom('sessions').selectAll().execute()
  assert.ok(row)
  assert.equal(row.hash.length, 32)
  assert.ok(!Buffer.from(row.hash).equals(Buffer.from(secret, 'base64url')))
})

test('a session ends when it is not used for a day, and goes on while it is', async () => {
  const [used, unused] = [await logIn(), await logIn()]
  time += 23 * HOUR_MS
  assert.ok(await accounts.sessions.account(used))
  time += 2 * HOUR_MS
  assert.ok(await accounts.sessions.account(used))
  assert.equal(await accounts.sessions.account(unused), null)
})

test('a session says when it ends, later with each use, and looking at it is no use', async () => {
  const secret = await logIn()
  const opened = time * 1000
  const ends = async (isUse: boolean) => (await accounts.sessions.identify(secret, { isUse }))?.ends
  assert.equal(await ends(true), opened + sessionLength.unused)
  time += HOUR_MS
  assert.equal(await ends(false), opened + sessionLength.unused)
  assert.equal(await ends(true), time * 1000 + sessionLength.unused)
  time += 23 * HOUR_MS
  while (time * 1000 + sessionLength.unused < opened + sessionLength.whole) {
    assert.equal(await ends(true), time * 1000 + sessionLength.unused)
    time += 23 * HOUR_MS
  }
  assert.equal(await ends(true), opened + sessionLength.whole)
})

test('a session ends thirty days after its log-in however much it is used, and is then cleared away', async () => {
  const secret = await logIn()
  const end = time + sessionLength.whole / 1000
  while (time + 12 * HOUR_MS < end) {
    time += 12 * HOUR_MS
    assert.ok(await accounts.sessions.account(secret), new Date(time).toISOString())
  }
  time = end + 1
  assert.equal(await accounts.sessions.account(secret), null)
  await logIn()
  assert.equal((await database.selectFrom('sessions').select('id').execute()).length, 1)
})

test('sessions end with the password that opened them, and with their user', async () => {
  const first = await logIn()
  await accounts.credentials.setPassword('ana', 'another one')
  assert.equal(await accounts.sessions.account(first), null)
  const { secret } = await accounts.credentials.logInSession('ana', 'another one', '127.0.0.1')
  assert.ok(await accounts.sessions.account(secret))
  await accounts.users.add({ name: 'root', password: 'long enough', role: 'administrator' })
  await accounts.users.remove('ana')
  assert.equal(await accounts.sessions.account(secret), null)
})
