import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { engines } from '../store/each-engine.fixture.ts'
import { HuntRunner, type HuntRunnerParts } from './hunt-runner.ts'

test('a hunt that was made begins, also where the answer to that was lost, and once', {
  timeout: 20_000,
}, async (t) => {
  const store = await (engines[0] as (typeof engines)[number]).fresh(t)
  await store.users.add({ name: 'u', passwordHash: '', role: 'administrator', contributes: false, created: 1 })
  const hunt = { kind: 'ad-hoc', state: 'queued', startedBy: 1, created: 1, lastSampleId: 0 } as const
  const add = () =>
    store.hunts.add({ ...hunt, adHoc: { title: null, texts: Buffer.of(), selection: '{}', useIndex: true } })
  const known = await add()
  const opened: number[] = []
  const gate = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const sources = { tracing: { start: () => null } } as unknown as HuntRunnerParts['sources']
  const runner = new HuntRunner(
    {
      kind: 'ad-hoc',
      open: async ({ id }) => {
        opened.push(id)
        if (opened.length === 2) ended.resolve()
        await gate.promise
        throw new Error('There is nothing to scan.')
      },
    },
    { store, sources, log, title: 'a hunt', atOnce: 2, sliceMs: 1_000 },
  )
  t.after(() => runner.close())
  const asked = t.mock.method(store.hunts, 'unfinished')
  runner.begin(known, 1)
  const unknown = await add()
  const refused = new Failure('hunt.wrong-state')
  assert.throws(() => runner.failToMake(refused), refused)
  assert.deepEqual(runner.underWay, [known])
  const lost = new Failure('storage.unavailable')
  assert.throws(() => runner.failToMake(lost), lost)
  await ended.promise
  assert.deepEqual(opened, [known, unknown])
  assert.equal(asked.mock.callCount(), 1)
  gate.resolve()
  await Promise.all([runner.settled(known), runner.settled(unknown)])
  assert.deepEqual(await store.hunts.unfinished('ad-hoc'), [])
})

test('that a hunt has failed is stored also where the storage is away at first', { timeout: 20_000 }, async (t) => {
  const store = await (engines[0] as (typeof engines)[number]).fresh(t)
  await store.users.add({ name: 'u', passwordHash: '', role: 'administrator', contributes: false, created: 1 })
  const hunt = { kind: 'ad-hoc', state: 'queued', startedBy: 1, created: 1, lastSampleId: 0 } as const
  const id = await store.hunts.add(hunt)
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const sources = { tracing: { start: () => null } } as unknown as HuntRunnerParts['sources']
  const policy = {
    kind: 'ad-hoc' as const,
    open: async () => {
      // What follows is that it has failed.
      t.mock.method(store, 'transaction', () => Promise.reject(new Failure('storage.unavailable')), { times: 1 })
      throw new Error('a defect')
    },
  }
  const runner = new HuntRunner(policy, { store, sources, log, title: 'a hunt', atOnce: 1, sliceMs: 1_000 })
  t.after(() => runner.close())
  runner.begin(id, 1)
  await runner.settled(id)
  assert.equal((await store.hunts.listRuns('ad-hoc', 1))[0]?.state, 'failed')
})
