import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { Accounts } from './index.ts'

let folder: string
let database: Database
let accounts: Accounts
let time = 1

const password = 'the tenant’s long password'
const address = '192.0.2.1'

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-tenants-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  time = 1
  accounts = new Accounts(storeOf(database), () => time)
  await accounts.ensureFirstAdministrator({})
  await accounts.users.add({ name: 'acme', password, role: 'tenant' })
})

afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

test('a tenant is known by its name and password, and by nothing else', async () => {
  const tenant = await accounts.credentials.tenant('acme', password, address)
  assert.deepEqual(tenant, { id: tenant.id, name: 'acme', contributes: false })
  await assert.rejects(accounts.credentials.tenant('acme', 'another password', address), { code: 'login.refused' })
  await assert.rejects(accounts.credentials.tenant('nobody', password, address), { code: 'login.refused' })
  await assert.rejects(accounts.tokens.create('acme', 'a token'), { code: 'token.for-tenant' })
})

test('a tenant cannot log in to the appliance, and a user is no tenant', async () => {
  await accounts.users.add({ name: 'ada', password, role: 'user' })
  await assert.rejects(accounts.credentials.logIn('acme', password, address), { code: 'login.refused' })
  await assert.rejects(accounts.credentials.logInSession('acme', password, address), { code: 'login.refused' })
  await assert.rejects(accounts.credentials.tenant('ada', password, address), { code: 'login.refused' })
  assert.equal((await accounts.credentials.logIn('ada', password, address)).account.name, 'ada')
})

test('only a tenant contributes, when it was allowed to', async () => {
  await accounts.users.add({ name: 'donor', password, role: 'tenant', contributes: true })
  assert.equal((await accounts.credentials.tenant('donor', password, address)).contributes, true)
  await assert.rejects(accounts.users.add({ name: 'ada', password, role: 'user', contributes: true }), {
    code: 'user.role-invalid',
  })
  assert.deepEqual(
    (await accounts.users.list()).map(({ name, contributes }) => [name, contributes]),
    [
      ['acme', false],
      ['admin', false],
      ['donor', true],
    ],
  )
})

test('many requests at once are verified together, and none of them counts as guessing', async () => {
  const tenants = await Promise.all(
    Array.from({ length: 40 }, () => accounts.credentials.tenant('acme', password, address)),
  )
  assert.equal(new Set(tenants.map(({ id }) => id)).size, 1)
})

test('guesses are slowed down, which leaves those who are believed alone', async () => {
  await accounts.credentials.tenant('acme', password, address)
  for (let guess = 0; guess < 6; guess++) {
    await assert.rejects(accounts.credentials.tenant('acme', `guess ${guess}`, address), { code: 'login.refused' })
  }
  await assert.rejects(accounts.credentials.tenant('acme', 'guess 7', address), { code: 'login.throttled' })
  assert.equal((await accounts.credentials.tenant('acme', password, address)).name, 'acme')
})

test('credentials are believed for some minutes, but not beyond a new password or the removal of the tenant', async () => {
  await accounts.credentials.tenant('acme', password, address)
  // Changed behind the accounts' back, so that only believing without a look lets it pass.
  await database.updateTable('users').set({ password_hash: '' }).where('name', '=', 'acme').execute()
  assert.equal((await accounts.credentials.tenant('acme', password, address)).name, 'acme')
  time += 5 * 60_000 + 1
  await assert.rejects(accounts.credentials.tenant('acme', password, address), { code: 'login.refused' })
  await accounts.credentials.setPassword('acme', 'a new long password')
  assert.equal((await accounts.credentials.tenant('acme', 'a new long password', address)).name, 'acme')
  await accounts.credentials.setPassword('acme', 'a newer long password')
  await assert.rejects(accounts.credentials.tenant('acme', 'a new long password', address), { code: 'login.refused' })
  assert.equal((await accounts.credentials.tenant('acme', 'a newer long password', address)).name, 'acme')
  await accounts.users.remove('acme')
  await assert.rejects(accounts.credentials.tenant('acme', 'a newer long password', address), { code: 'login.refused' })
})

test('whoever keeps things of a tenant is told when it is removed', async () => {
  const removed: number[] = []
  const end = accounts.users.onTenantRemoved(async (id) => void removed.push(id))
  const { id } = await accounts.credentials.tenant('acme', password, address)
  await accounts.users.add({ name: 'ada', password, role: 'user' })
  await accounts.users.remove('ada')
  assert.deepEqual(removed, [])
  await accounts.users.remove('acme')
  assert.deepEqual(removed, [id])
  end()
})
