/** A part of a hunt is in one hand at a time, on both databases. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { engines } from './each-engine.fixture.ts'
import type { Store } from './store.ts'

const bytes = (text: string) => Buffer.from(text)

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

for (const { name, skip, fresh } of engines) {
  test(`what is settled under an earlier fence is refused, also for the same node (${name})`, { skip }, async (t) => {
    const { huntParts } = await withParts(t, fresh, 1)
    const [first] = await huntParts.claim(1, 1, 9)
    assert.ok(first)
    assert.equal(await huntParts.takeBack([1]), 1)
    assert.equal(await huntParts.settle(first.id, first.fence, bytes('late')), false, 'nobody holds it')
    const [second] = await huntParts.claim(1, 1, 9)
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
    const claimed = await Promise.all(Array.from({ length: 30 }, (_, n) => huntParts.claim(1 + (n % 2), 2, 9)))
    const ids = claimed.flat().map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    for (let some = claimed.flat(); some.length > 0; ids.push(...some.map(({ id }) => id)))
      some = await huntParts.claim(1, 9, 9)
    assert.equal(new Set(ids).size, 60)
  })
}
