import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { now, type Store } from '../store/index.ts'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { Accounts, demand, may } from './index.ts'

let folder: string
let database: Database
let store: Store
let accounts: Accounts
let time = 0

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-accounts-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  time = 0
  store = storeOf(database)
  accounts = new Accounts(store, () => time)
})

afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

test('the first run makes an administrator whose password and token work, and tells them once', async () => {
  const first = await accounts.ensureFirstAdministrator({})
  assert.ok(first)
  assert.equal(first.name, 'admin')
  assert.match(first.token, /^[0-9a-f]{40}$/)
  const expected = { id: 1, name: 'admin', role: 'administrator' }
  assert.deepEqual(await accounts.tokens.authenticate(first.token), expected)
  const { token, account } = await accounts.credentials.logIn('admin', first.password, '127.0.0.1')
  assert.deepEqual(account, expected)
  assert.deepEqual(await accounts.tokens.authenticate(token), expected)
  assert.equal(await accounts.ensureFirstAdministrator({}), null)
  assert.equal(await new Accounts(store).ensureFirstAdministrator({}), null)
})

test('a given token works for the first administrator, and a later one takes its place', async () => {
  const first = await accounts.ensureFirstAdministrator({ token: 'scripted-one' })
  assert.equal(first?.token, 'scripted-one')
  assert.equal((await accounts.tokens.authenticate('scripted-one'))?.name, 'admin')
  const other = await accounts.tokens.create('admin', 'mine')
  assert.equal(await accounts.ensureFirstAdministrator({ token: 'scripted-one' }), null)
  assert.equal((await accounts.tokens.authenticate('scripted-one'))?.name, 'admin')
  assert.equal(await accounts.ensureFirstAdministrator({ token: 'scripted-two' }), null)
  assert.equal(await accounts.tokens.authenticate('scripted-one'), null)
  assert.equal((await accounts.tokens.authenticate('scripted-two'))?.name, 'admin')
  assert.equal((await accounts.tokens.authenticate(other.token))?.name, 'admin')
  for (const token of ['', 'two words', 'ümlaut', 'x'.repeat(257)]) {
    await assert.rejects(accounts.ensureFirstAdministrator({ token }), { code: 'token.invalid' })
  }
})

test('the command line has an account before the first run, which the first run then equips', async () => {
  const operator = await accounts.users.operator()
  assert.equal(operator.role, 'administrator')
  await assert.rejects(accounts.credentials.logIn(operator.name, '', '::1'), { code: 'login.refused' })
  const first = await accounts.ensureFirstAdministrator({})
  assert.ok(first)
  assert.deepEqual((await accounts.credentials.logIn('admin', first.password, '::1')).account, operator)
})

test('only hashes of tokens and passwords are stored', async () => {
  const first = await accounts.ensureFirstAdministrator({})
  assert.ok(first)
  const stored = JSON.stringify([
    await database.selectFrom('users').selectAll().execute(),
    (await database.selectFrom('tokens').selectAll().execute()).map((row) => Buffer.from(row.hash).toString('latin1')),
  ])
  assert.ok(!stored.includes(first.password))
  assert.ok(!stored.includes(first.token))
})

test('an unknown token is nobody, and so is a revoked one at once', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const one = await accounts.tokens.create('ada', 'one')
  const two = await accounts.tokens.create('ada', 'two')
  assert.equal(await accounts.tokens.authenticate('0'.repeat(40)), null)
  assert.equal((await accounts.tokens.authenticate(one.token))?.name, 'ada')
  await accounts.tokens.revoke('ada', one.id)
  assert.equal(await accounts.tokens.authenticate(one.token), null)
  assert.equal((await accounts.tokens.authenticate(two.token))?.name, 'ada')
  await assert.rejects(accounts.tokens.revoke('ada', one.id), { code: 'token.not-found' })
  assert.deepEqual(
    (await accounts.tokens.list('ada')).map((token) => token.label),
    ['two'],
  )
})

test('a token that is looked up while it is being revoked is not remembered', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  for (let round = 0; round < 50; round += 1) {
    const { id, token } = await accounts.tokens.create('ada', 'raced')
    await Promise.all([
      accounts.tokens.authenticate(token),
      accounts.tokens.revoke('ada', id),
      accounts.tokens.authenticate(token),
    ])
    assert.equal(await accounts.tokens.authenticate(token), null)
  }
})

test("another user's token cannot be revoked", async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  await accounts.users.add({ name: 'bob', password: 'long enough', role: 'user' })
  const { id, token } = await accounts.tokens.create('ada', 'mine')
  await assert.rejects(accounts.tokens.revoke('bob', id), { code: 'token.not-found' })
  assert.equal((await accounts.tokens.authenticate(token))?.name, 'ada')
})

test('the last use of a token is recorded, at most once a minute', async (t) => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const { token } = await accounts.tokens.create('ada', 'mine')
  const lastUsed = async (): Promise<number | null | undefined> => (await accounts.tokens.list('ada'))[0]?.lastUsed
  assert.equal(await lastUsed(), null)
  await accounts.tokens.authenticate(token)
  const first = await lastUsed()
  assert.ok(first && Math.abs(first - now()) < 5_000_000)
  await accounts.tokens.authenticate(token)
  assert.equal(await lastUsed(), first)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
  await accounts.tokens.authenticate(token)
  assert.ok(((await lastUsed()) ?? 0) >= first + 60_000_000)
})

test('a wrong password and an unknown user are refused alike, and cost the same work', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const refusal = { code: 'login.refused', message: 'Unable to log in with provided credentials.' }
  const quickest = async (name: string): Promise<number> => {
    const times: number[] = []
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const start = performance.now()
      await assert.rejects(accounts.credentials.logIn(name, 'wrong password', '127.0.0.1'), refusal)
      times.push(performance.now() - start)
    }
    return Math.min(...times)
  }
  const known = await quickest('ada')
  const unknown = await quickest('eve')
  // Without the decoy an unknown user takes a hundredth of the time.
  assert.ok(unknown > known / 5, `known ${known} ms, unknown ${unknown} ms`)
})

test('after five failures a user name has to wait, whether or not there is such a user, and others do not', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  for (const name of ['ada', 'eve']) {
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await assert.rejects(accounts.credentials.logIn(name, 'wrong password', name), { code: 'login.refused' })
    }
    await assert.rejects(accounts.credentials.logIn(name, 'long enough', name), {
      code: 'login.throttled',
      detail: { seconds: 1 },
    })
  }
  await accounts.users.add({ name: 'bob', password: 'long enough', role: 'user' })
  assert.equal((await accounts.credentials.logIn('bob', 'long enough', 'bob')).account.name, 'bob')
  time = 1000
  assert.equal((await accounts.credentials.logIn('ada', 'long enough', 'ada')).account.name, 'ada')
})

test('an address that tries many names has to wait', async () => {
  for (let attempt = 0; attempt < 21; attempt += 1) {
    await assert.rejects(accounts.credentials.logIn(`name${attempt}`, 'wrong password', '192.0.2.1'), {
      code: 'login.refused',
    })
  }
  await assert.rejects(accounts.credentials.logIn('another', 'wrong password', '192.0.2.1'), {
    code: 'login.throttled',
  })
  await assert.rejects(accounts.credentials.logIn('another', 'wrong password', '192.0.2.2'), { code: 'login.refused' })
})

test('attempts that are sent at once do not slip past the throttle', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const attempts = Array.from({ length: 30 }, (_, n) => accounts.credentials.logIn('ada', `guess ${n}`, `192.0.2.${n}`))
  const codes = (await Promise.allSettled(attempts)).map((result) =>
    result.status === 'rejected' ? (result.reason as { code: string }).code : 'in',
  )
  assert.equal(codes.filter((code) => code === 'login.refused').length, 6)
  assert.equal(codes.filter((code) => code === 'login.throttled').length, 24)
})

test('log-ins keep a hundred tokens and drop the longest unused, never those with another label', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const mine = await accounts.tokens.create('ada', 'mine')
  const ada = await accounts.users.find('ada')
  for (let n = 0; n < 100; n++) {
    const token = { userId: ada.id, hash: new Uint8Array([n]), label: 'log-in', created: n }
    const id = await store.tokens.add(token)
    if (n === 0) await store.tokens.recordUse(id, now())
  }
  const { token } = await accounts.credentials.logIn('ada', 'long enough', '127.0.0.1')
  const kept = await accounts.tokens.list('ada')
  assert.equal(kept.length, 101)
  assert.ok(
    kept.some((entry) => entry.created === 0),
    'the oldest was in use',
  )
  assert.ok(!kept.some((entry) => entry.created === 1))
  assert.equal((await accounts.tokens.authenticate(token))?.name, 'ada')
  assert.equal((await accounts.tokens.authenticate(mine.token))?.name, 'ada')
})

test('names and passwords out of bounds are refused, and a name is given once', async () => {
  for (const name of ['', 'two words', 'x'.repeat(65), 'a/b', 'a\n']) {
    await assert.rejects(accounts.users.add({ name, password: 'long enough', role: 'user' }), {
      code: 'user.name-invalid',
    })
  }
  for (const password of ['', 'seven77', 'x'.repeat(1025)]) {
    await assert.rejects(accounts.users.add({ name: 'ada', password, role: 'user' }), { code: 'user.password-invalid' })
  }
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  await assert.rejects(accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' }), {
    code: 'user.exists',
  })
  assert.deepEqual(
    (await accounts.users.list()).map(({ name, role }) => ({ name, role })),
    [{ name: 'ada', role: 'user' }],
  )
})

test('a new password replaces the old one and ends the log-ins made with it', async () => {
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const { token } = await accounts.credentials.logIn('ada', 'long enough', '::1')
  const script = await accounts.tokens.create('ada', 'script')
  await accounts.tokens.authenticate(token)
  await accounts.credentials.setPassword('ada', 'another one')
  assert.equal(await accounts.tokens.authenticate(token), null)
  assert.equal((await accounts.tokens.authenticate(script.token))?.name, 'ada')
  await assert.rejects(accounts.credentials.logIn('ada', 'long enough', '::1'), { code: 'login.refused' })
  assert.equal((await accounts.credentials.logIn('ada', 'another one', '::1')).account.name, 'ada')
})

test('a removed user is nobody at once, rulesets go to an administrator, and the name is free', async () => {
  await accounts.ensureFirstAdministrator({})
  const ada = await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const { token } = await accounts.tokens.create('ada', 'mine')
  await accounts.tokens.authenticate(token)
  await store.rulesets.add({ name: 'of_ada', ownerId: ada.id, core: false, created: 1 })
  await accounts.users.remove('ada')
  assert.equal(await accounts.tokens.authenticate(token), null)
  await assert.rejects(accounts.users.find('ada'), { code: 'user.not-found' })
  await assert.rejects(accounts.credentials.logIn('ada', 'long enough', '::1'), { code: 'login.refused' })
  assert.equal((await store.rulesets.findByName('of_ada'))?.ownerId, (await accounts.users.find('admin')).id)
  const namesake = await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  assert.notEqual(namesake.id, ada.id)
})

test('a role changes at once for tokens that are in use, but not for the last administrator or a tenant', async () => {
  await accounts.users.operator()
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  await accounts.users.add({ name: 'company', password: 'long enough', role: 'tenant' })
  const { token } = await accounts.tokens.create('ada', 'hers')
  const session = await accounts.credentials.logInSession('ada', 'long enough', '::1')
  assert.equal((await accounts.tokens.authenticate(token))?.role, 'user')
  await accounts.users.setRole('ada', 'administrator')
  assert.equal((await accounts.tokens.authenticate(token))?.role, 'administrator')
  assert.equal((await accounts.sessions.account(session.secret))?.role, 'administrator')
  await accounts.users.setRole('admin', 'user')
  await assert.rejects(accounts.users.setRole('ada', 'user'), { code: 'user.last-administrator' })
  assert.equal((await accounts.tokens.authenticate(token))?.role, 'administrator')
  await assert.rejects(accounts.users.setRole('company', 'administrator'), { code: 'user.role-invalid' })
  await assert.rejects(accounts.users.setRole('nobody', 'user'), { code: 'user.not-found' })
})

test('the last administrator cannot be removed', async () => {
  await accounts.ensureFirstAdministrator({})
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  await assert.rejects(accounts.users.remove('admin'), { code: 'user.last-administrator' })
  assert.equal((await accounts.users.find('admin')).name, 'admin')
  await accounts.users.add({ name: 'root', password: 'long enough', role: 'administrator' })
  await accounts.users.remove('admin')
  assert.equal((await accounts.users.operator()).name, 'root')
})

test('administrators may change what is not theirs, users may not', () => {
  const administrator = { id: 1, name: 'admin', role: 'administrator' } as const
  const user = { id: 2, name: 'ada', role: 'user' } as const
  assert.equal(may(administrator, 'rulesets.change-any'), true)
  assert.equal(may(user, 'rulesets.change-any'), false)
  assert.equal(may(user, 'samples.delete'), true)
  demand(administrator, 'users.manage')
  assert.throws(() => demand(user, 'users.manage'), { code: 'right.missing', status: 403 })
})

test('a disabled user is refused with every credential at once, and tokens work again when it is enabled', async () => {
  await accounts.ensureFirstAdministrator({})
  await accounts.users.add({ name: 'ada', password: 'long enough', role: 'user' })
  const logIn = await accounts.credentials.logIn('ada', 'long enough', '::1')
  const session = await accounts.credentials.logInSession('ada', 'long enough', '::1')
  const script = await accounts.tokens.create('ada', 'script')
  assert.equal((await accounts.tokens.authenticate(script.token))?.name, 'ada')
  await accounts.users.setDisabled('ada', true)
  assert.equal(await accounts.tokens.authenticate(script.token), null)
  assert.equal(await accounts.tokens.authenticate(logIn.token), null)
  assert.equal(await accounts.sessions.account(session.secret), null)
  await assert.rejects(accounts.credentials.logIn('ada', 'long enough', '::1'), { code: 'login.refused' })
  await accounts.users.setDisabled('ada', false)
  assert.equal((await accounts.tokens.authenticate(script.token))?.name, 'ada')
  assert.equal(await accounts.tokens.authenticate(logIn.token), null)
  assert.equal(await accounts.sessions.account(session.secret), null)
  assert.equal((await accounts.credentials.logIn('ada', 'long enough', '::1')).account.name, 'ada')
})

test('an administrator who can log in is always left: disabled ones do not count', async () => {
  await accounts.ensureFirstAdministrator({})
  await assert.rejects(accounts.users.setDisabled('admin', true), { code: 'user.last-administrator' })
  await accounts.users.add({ name: 'root', password: 'long enough', role: 'administrator' })
  await accounts.users.setDisabled('root', true)
  for (const change of [
    accounts.users.setDisabled('admin', true),
    accounts.users.setRole('admin', 'user'),
    accounts.users.remove('admin'),
  ])
    await assert.rejects(change, { code: 'user.last-administrator' })
  assert.equal((await accounts.users.operator()).name, 'admin')
})
