import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { type Account, Accounts } from './index.ts'

let folder: string
let database: Database
let accounts: Accounts
let ana: Account
let time = 0

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-device-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  time = Date.now()
  accounts = new Accounts(storeOf(database), () => time)
  await accounts.ensureFirstAdministrator({})
  ana = await accounts.users.add({ name: 'ana', password: 'long enough', role: 'read-only' })
})

afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

const asked = { name: 'laptop', days: 7, scope: null, address: '192.0.2.1' }
const MINUTE = 60_000

test('a program that waits between its questions gets one token for one approval', async () => {
  const { deviceLogIns } = accounts
  const { deviceCode, userCode, seconds, interval } = deviceLogIns.begin(asked)
  assert.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  assert.equal(Buffer.from(deviceCode, 'base64url').length, 32)
  await assert.rejects(deviceLogIns.redeem(deviceCode), { code: 'authorization_pending' })
  time += interval * 1_000
  await assert.rejects(deviceLogIns.redeem(deviceCode), { code: 'authorization_pending' })
  const shown = deviceLogIns.find(ana, ` ${userCode.toLowerCase().replace('-', ' ')}`)
  assert.deepEqual([shown.name, shown.days, shown.address, shown.userCode], ['laptop', 7, '192.0.2.1', userCode])
  await deviceLogIns.decide(ana, 'ana', userCode, true)
  time += interval * 1_000
  const made = await deviceLogIns.redeem(deviceCode)
  const { id, name, role } = ana
  assert.deepEqual(await accounts.tokens.authenticate(made.token), { id, name, role })
  assert.deepEqual(
    (await accounts.tokens.list('ana')).map(({ label, expires, creator }) => [label, expires, creator]),
    [['log-in from laptop', (time + 7 * 24 * 60 * MINUTE) * 1_000, 'ana']],
  )
  time += interval * 1_000
  await assert.rejects(deviceLogIns.redeem(deviceCode), { code: 'expired_token' })
  await assert.rejects(deviceLogIns.decide(ana, 'ana', userCode, false), { code: 'device.unknown' })
  assert.equal(seconds, 600)
})

test('a program that asks too often is slowed down, and more each time', async () => {
  const { deviceLogIns } = accounts
  const { deviceCode, userCode, interval } = deviceLogIns.begin(asked)
  await deviceLogIns.decide(ana, 'ana', userCode, true)
  const another = deviceLogIns.begin(asked)
  await assert.rejects(deviceLogIns.redeem(another.deviceCode), { code: 'authorization_pending' })
  for (const more of [0, 5, 10]) {
    time += (interval + more) * 500
    await assert.rejects(deviceLogIns.redeem(another.deviceCode), { code: 'slow_down' }, `after ${more}`)
  }
  time += (interval + 15) * 1_000
  await assert.rejects(deviceLogIns.redeem(another.deviceCode), { code: 'authorization_pending' })
  assert.ok(await deviceLogIns.redeem(deviceCode))
})

test('a refused log-in, one that took too long, and one of somebody who has left give no token', async () => {
  const { deviceLogIns, users, tokens } = accounts
  const refused = deviceLogIns.begin(asked)
  await deviceLogIns.decide(ana, 'ana', refused.userCode, false)
  await assert.rejects(deviceLogIns.redeem(refused.deviceCode), { code: 'access_denied' })

  const late = deviceLogIns.begin(asked)
  time += 10 * MINUTE
  assert.throws(() => deviceLogIns.find(ana, late.userCode), { code: 'device.unknown' })
  await assert.rejects(deviceLogIns.redeem(late.deviceCode), { code: 'expired_token' })

  const disabled = deviceLogIns.begin(asked)
  await deviceLogIns.decide(ana, 'ana', disabled.userCode, true)
  await users.setDisabled('ana', true)
  await assert.rejects(deviceLogIns.redeem(disabled.deviceCode), { code: 'access_denied' })
  await users.setDisabled('ana', false)

  const gone = deviceLogIns.begin(asked)
  await deviceLogIns.decide(ana, 'ana', gone.userCode, true)
  await users.remove('ana')
  await users.add({ name: 'ana', password: 'somebody else', role: 'user' })
  await assert.rejects(deviceLogIns.redeem(gone.deviceCode), { code: 'access_denied' })
  assert.deepEqual(await tokens.list('ana'), [])
})

test('of two questions at once, one gets the token', async () => {
  const { deviceLogIns } = accounts
  const { deviceCode, userCode } = deviceLogIns.begin(asked)
  await deviceLogIns.decide(ana, 'ana', userCode, true)
  const both = await Promise.allSettled([deviceLogIns.redeem(deviceCode), deviceLogIns.redeem(deviceCode)])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  assert.equal((await accounts.tokens.list('ana')).length, 1)
})

test('whoever tries codes is slowed down, for right ones too, and nobody else is', () => {
  const { deviceLogIns } = accounts
  const { userCode } = deviceLogIns.begin(asked)
  for (let i = 0; i < 6; i++) assert.throws(() => deviceLogIns.find(ana, 'BBBB-BBBB'), { code: 'device.unknown' })
  assert.throws(() => deviceLogIns.find(ana, userCode), { code: 'login.throttled' })
  assert.ok(deviceLogIns.find({ id: 1, name: 'admin', role: 'administrator' }, userCode))
  time += 1_001
  assert.ok(deviceLogIns.find(ana, userCode))
  assert.throws(() => deviceLogIns.find(ana, 'BBBB-BBBB'), { code: 'device.unknown' })
  assert.throws(
    () => deviceLogIns.find(ana, userCode),
    { code: 'login.throttled' },
    'a right code forgets no wrong ones',
  )
})

test('a token that is sent to be revoked is worth nothing afterwards', async () => {
  const { token } = await accounts.tokens.create('ana', 'of a program')
  assert.ok(await accounts.tokens.authenticate(token))
  assert.equal(await accounts.tokens.revokeItself(token), 'ana')
  assert.equal(await accounts.tokens.authenticate(token), null)
  assert.equal(await accounts.tokens.revokeItself(token), null)
})
