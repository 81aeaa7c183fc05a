import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { parse } from '../yara/index.ts'
import { TenantRulesets } from './index.ts'
import { type Installation, openInstallation, planner, rule } from './installation.fixture.ts'

let here: Installation
let tenants: TenantRulesets

const all = { wantsSamples: true }

beforeEach(async () => {
  here = await openInstallation()
  tenants = new TenantRulesets({
    store: here.store,
    rulesets: here.rulesets,
    checker: {
      async check(content) {
        const { diagnostics } = parse(content)
        return { valid: diagnostics.every(({ severity }) => severity !== 'error'), diagnostics }
      },
    },
    planner,
    most: 2,
    textLimit: 1000,
  })
})

afterEach(() => here.close())

test('two tenants and the appliance use the same name, and each sees its own', async () => {
  await here.rulesets.save(here.admin, { name: 'same_name', content: rule('OfTheAppliance') })
  const ours = await tenants.create(here.ada.id, { name: 'same_name', text: rule('OfAda'), ...all })
  await tenants.create(here.bob.id, { name: 'same_name', text: rule('OfBob'), ...all })
  assert.equal(ours.digest, createHash('sha1').update(rule('OfAda')).digest('hex'))
  assert.equal(await tenants.text(here.ada.id, 'same_name'), rule('OfAda'))
  assert.equal(await tenants.text(here.bob.id, 'same_name'), rule('OfBob'))
  assert.equal(await here.rulesets.content('same_name'), rule('OfTheAppliance'))
  assert.deepEqual(
    (await tenants.list(here.ada.id)).map(({ id }) => id),
    [ours.id],
  )
  const query = { type: 'all', status: 'all', source: 'all', page: null } as const
  const { count, results } = await here.rulesets.list(here.admin, query)
  assert.deepEqual([count, results.map(({ owner }) => owner)], [1, ['admin']])
  await tenants.remove(here.ada.id, 'same_name')
  await assert.rejects(tenants.get(here.ada.id, 'same_name'), { code: 'ruleset.not-found' })
  assert.equal(await tenants.text(here.bob.id, 'same_name'), rule('OfBob'))
})

test('a tenant cannot reach the appliance’s rulesets, nor the appliance a tenant’s', async () => {
  await here.rulesets.save(here.ada, { name: 'of_appliance', content: rule('A') })
  await tenants.create(here.ada.id, { name: 'of_tenant', text: rule('B'), ...all })
  await assert.rejects(tenants.get(here.ada.id, 'of_appliance'), { code: 'ruleset.not-found' })
  await assert.rejects(tenants.remove(here.ada.id, 'of_appliance'), { code: 'ruleset.not-found' })
  for (const attempt of [
    () => here.rulesets.content('of_tenant'),
    () => here.rulesets.get('of_tenant'),
    () => here.rulesets.remove(here.admin, 'of_tenant'),
    () => here.rulesets.setEnabled(here.admin, 'of_tenant', false),
    () => here.matches.list({ names: ['of_tenant'], page: null }),
  ]) {
    await assert.rejects(attempt, { code: 'ruleset.not-found' })
  }
})

test('a tenant’s ruleset runs from the generation on that it made, and its hits are no matches of the appliance', async () => {
  const before = await here.rulesets.generation()
  const { revisionId } = await tenants.create(here.ada.id, { name: 'live_one', text: rule('R'), ...all })
  const live = await here.rulesets.liveSet()
  assert.equal(live.generation, before + 1)
  assert.deepEqual(
    live.rulesets.map(({ key, firstStrings }) => [key, firstStrings]),
    [[`r${revisionId}`, true]],
  )
  assert.deepEqual(
    live.members.map(({ isTenants }) => isTenants),
    [true],
  )
  const sampleId = await here.sample()
  const hits = [{ ruleset: `r${revisionId}`, rule: 'R', tags: [], meta: {}, strings: [] }]
  const recorded = await here.store.transaction('completeSamples', (tx) =>
    here.matches.record(tx, { sampleId, hits, at: 1 }),
  )
  assert.deepEqual(recorded, [])
  assert.equal(await here.matches.count([]), 0)
  await tenants.remove(here.ada.id, 'live_one')
  assert.deepEqual((await here.rulesets.liveSet()).rulesets, [])
})

test('a ruleset for samples that cannot be downloaded is there, and does not run', async () => {
  const ruleset = await tenants.create(here.ada.id, { name: 'none_of_them', text: rule('R'), wantsSamples: false })
  assert.deepEqual([ruleset.runs, ruleset.wantsSamples], [true, false])
  assert.deepEqual((await here.rulesets.liveSet()).rulesets, [])
})

test('what cannot be accepted is refused with the reason, and nothing of it stays', async () => {
  const create = (name: string, text: string) => tenants.create(here.ada.id, { name, text, ...all })
  const refused = (message: RegExp) => ({ code: 'tenant.ruleset-refused', message })
  await assert.rejects(create('no', rule('R')), refused(/3 to 48/))
  await assert.rejects(create('a/b', rule('R')), refused(/slashes/))
  await assert.rejects(create('empty', ''), refused(/empty/))
  await assert.rejects(create('large', `${rule('R')}//${'x'.repeat(1000)}`), refused(/larger than 1000 bytes/))
  await assert.rejects(create('broken', 'rule R { condition: }'), refused(/^Line 1, column \d+: /))
  await create('first', rule('R'))
  await assert.rejects(create('first', rule('Other')), { code: 'tenant.ruleset-exists' })
  await create('second', rule('R'))
  await assert.rejects(create('third', rule('R')), { code: 'tenant.quota' })
  assert.deepEqual(
    (await tenants.list(here.ada.id)).map(({ name, rules }) => [name, rules]),
    [
      ['first', 1],
      ['second', 1],
    ],
  )
})

test('of two that are created at once under one name, one is', async () => {
  const create = (text: string) => tenants.create(here.ada.id, { name: 'one_name', text, ...all })
  const outcomes = await Promise.allSettled([create(rule('A')), create(rule('B'))])
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('what a removed tenant has left goes, and nothing else', async () => {
  await tenants.create(here.ada.id, { name: 'of_ada', text: rule('R'), ...all })
  await tenants.create(here.bob.id, { name: 'of_bob', text: rule('R'), ...all })
  await here.database.updateTable('users').set({ removed: 1 }).where('id', '=', here.ada.id).execute()
  await tenants.removeOfRemovedTenants()
  assert.deepEqual(await tenants.list(here.ada.id), [])
  assert.equal((await tenants.list(here.bob.id)).length, 1)
  assert.equal((await here.rulesets.liveSet()).rulesets.length, 1)
})
