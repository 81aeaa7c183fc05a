/** A hunt is in one hand at a time, and so is each of its parts, on both databases. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { engines } from './each-engine.fixture.ts'
import type { ClaimedHunt } from './hunts.ts'
import { addProcessedSample } from './processed-sample.fixture.ts'
import type { Store } from './store.ts'

const bytes = (text: string) => Buffer.from(text)
const upTo = (most: number) => [{ kinds: ['verify'] as const, most }]

/** A store with two nodes and so many parts that are offered. */
async function withParts(t: TestContext, fresh: (t: TestContext) => Promise<Store>, parts: number): Promise<Store> {
  const store = await fresh(t)
  await store.users.add({ name: 'u', passwordHash: '', role: 'administrator', contributes: false, created: 1 })
  const adHoc = { title: null, texts: bytes('[]'), selection: '{}', useIndex: true }
  await store.hunts.add({ kind: 'ad-hoc', state: 'queued', startedBy: 1, created: 1, lastSampleId: 9, adHoc })
  for (const name of ['a', 'b']) await store.nodes.add({ name, version: '1', workers: 1, cacheLimit: 1, started: 1 })
  const rulesId = await store.huntParts.addRules(1, '1', bytes('rules'))
  for (let n = 0; n < parts; n++)
    await store.huntParts.offer({ rulesId, kind: 'verify', input: bytes(`${n}`), wantedBy: null, created: 1 })
  return store
}

/** What a checkpoint does: whether it was stored, with its hit. `midway` is waited for before anything is written. */
function storeCheckpoint(store: Store, hunt: ClaimedHunt, midway: () => Promise<void> = async () => {}) {
  return store.transaction('advanceHunt', async ({ hunts, hits }) => {
    const running = await hunts.findRunning(hunt)
    await midway()
    if (running === null) return false
    await hits.add(hunt.id, 1, [{ ruleset: 'r', rule: 'a', tags: [], strings: '[]', name: null }])
    await hunts.setFailure(hunt, 'stored')
    await hunts.advance(hunt, { cursor: 7, processed: 7, candidates: 1, scannedBytes: 1, skipped: 0, matches: 1 })
    return true
  })
}

for (const { name, skip, fresh } of engines) {
  test(`of two that claimed a hunt, the earlier one changes nothing (${name})`, { skip }, async (t) => {
    const store = await withParts(t, fresh, 0)
    const { hunts } = store
    const first = await hunts.claim(1, 5)
    const second = await hunts.claim(1, 6)
    assert.ok(first && second && second.fence > first.fence)
    const before = await hunts.findAdHoc(1)
    assert.equal(await hunts.enter(first, 'completed', 7), false)
    assert.equal(await storeCheckpoint(store, first), false)
    await hunts.setSamples(first, 3)
    await hunts.setFailure(first, 'late')
    await hunts.advance(first, { cursor: 9, processed: 9, candidates: 1, scannedBytes: 1, skipped: 0, matches: 1 })
    assert.deepEqual(await hunts.findAdHoc(1), before)
    assert.equal((await hunts.findToRun(1)).cursor, 0)

    await hunts.requeue('ad-hoc')
    assert.equal(await hunts.enter(second, 'running', 7), false, 'nobody holds it')
    const third = await hunts.claim(1, 8)
    assert.ok(third)
    assert.equal(await storeCheckpoint(store, third), true)
    assert.equal((await hunts.findAdHoc(1))?.started, 5)
    assert.equal(await hunts.enter(third, 'completed', 9), true)
    assert.equal(await hunts.claim(1, 10), null, 'it has ended')
  })

  test(`a hunt that is claimed while a checkpoint is being stored gets all of it or nothing (${name})`, {
    skip,
  }, async (t) => {
    const store = await withParts(t, fresh, 0)
    await addProcessedSample(store, 'text')
    const first = await store.hunts.claim(1, 5)
    assert.ok(first)
    const claiming: Promise<unknown>[] = []
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    void begun.then(() => claiming.push(store.hunts.claim(1, 6)))
    const isStored = await storeCheckpoint(store, first, async () => {
      resolve()
      // SQLite has one connection: there the claim comes after the checkpoint.
      if (name !== 'SQLite') await begun.then(() => claiming[0])
    })
    await Promise.all(claiming)
    assert.equal(isStored, name === 'SQLite')
    assert.equal((await store.hunts.findToRun(1)).cursor, isStored ? 7 : 0)
    assert.equal((await store.hits.list(1, 0, 9)).length, isStored ? 1 : 0)
  })

  test(`what is settled under an earlier fence is refused, also for the same node (${name})`, { skip }, async (t) => {
    const { huntParts } = await withParts(t, fresh, 1)
    const [first] = await huntParts.claim(1, upTo(1))
    assert.ok(first)
    assert.equal(await huntParts.takeBack([1]), 1)
    assert.equal(await huntParts.settle(first.id, first.fence, bytes('late')), false, 'nobody holds it')
    const [second] = await huntParts.claim(1, upTo(1))
    assert.ok(second && second.fence > first.fence)
    assert.equal(await huntParts.settle(first.id, first.fence, bytes('late')), false, 'it holds it anew')
    assert.equal(await huntParts.fail(first.id, first.fence, 'late'), false)
    assert.equal(await huntParts.giveBack(first.id, first.fence), false)
    assert.equal(await huntParts.settle(second.id, second.fence, bytes('in time')), true)
    const [result] = await huntParts.results([first.id])
    assert.equal(Buffer.from(result?.output ?? []).toString(), 'in time')
  })

  test(`of nodes that claim at once, none gets what another one has (${name})`, { skip }, async (t) => {
    const { huntParts } = await withParts(t, fresh, 60)
    const claimed = await Promise.all(Array.from({ length: 30 }, (_, n) => huntParts.claim(1 + (n % 2), upTo(2))))
    const ids = claimed.flat().map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    for (let some = claimed.flat(); some.length > 0; ids.push(...some.map(({ id }) => id)))
      some = await huntParts.claim(1, upTo(9))
    assert.equal(new Set(ids).size, 60)
  })
}
