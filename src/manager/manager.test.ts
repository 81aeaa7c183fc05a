import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { openInstallation } from '../rulesets/installation.fixture.ts'
import { Manager } from './manager.ts'

const report = {
  ...{ sequence: 0, digest: '', rulesets: 0, waiting: 0, engine: '', version: '', problem: '' },
  ...{ out_of_sync: [], invalid: [] },
}
const DAY = 24 * 60 * 60 * 1_000_000
const change = {
  ...{ nonce: '0'.repeat(32), change: '0f0e0d0c-0000-4000-8000-000000000000', name: 'news', replaces: 0 },
  ...{ known: 0, chain: '', enabled: true, author: 'anna', deleted: false, text: 'rule news { condition: true }' },
}

test('whoever has all that there is waits for news, and hears of them when they come', async () => {
  const installation = await openInstallation()
  const log = { info() {}, warn() {}, error() {}, debug() {} } as never
  const manager = new Manager({ store: installation.store, log, awayMs: 1_000, keptMs: 1_000_000_000 })
  const by = await manager.authenticate(await manager.add('berlin'))
  let isAnswered = false
  const ask = { after: 0, chain: '', wait: 50, report }
  const waiting = manager.follow(by, ask, new AbortController().signal).finally(() => {
    isAnswered = true
  })
  for (let turn = 0; turn < 200; turn++) await setImmediate()
  assert.equal(isAnswered, false, 'it was answered although there was nothing new')
  await manager.publish(by, change)
  const answer = await waiting
  assert.deepEqual(answer.kind === 'entries' && answer.entries.map(({ name }) => name), ['news'])
  await manager.stop()
  await installation.close()
})

test('a deletion is kept for as long as it was said, and not longer', async () => {
  const installation = await openInstallation()
  const log = { info() {}, warn() {}, error() {}, debug() {} } as never
  let time = Date.now() * 1_000
  const keptMs = (90 * DAY) / 1_000
  const manager = new Manager({ store: installation.store, log, awayMs: 1_000, keptMs, clock: () => time })
  const by = await manager.authenticate(await manager.add('berlin'))
  const publish = (part: object, n: number) =>
    manager.publish(by, { ...change, change: `${n}f0e0d0c-0000-4000-8000-000000000000`, ...part })
  await publish({ name: 'kept' }, 1)
  await publish({}, 2)
  const [first, second] = await installation.store.sharedLog.listAfter(0, 9)
  await publish({ replaces: 2, deleted: true, text: '' }, 3)
  await publish({ name: 'another' }, 4)
  const askBehind = (entry = second) => {
    const { sequence: after = 0, chain = '' } = entry ?? {}
    return manager.follow(by, { after, chain, wait: 0, report }, new AbortController().signal)
  }
  time += 89 * DAY
  await manager.prune()
  const answer = await askBehind()
  assert.deepEqual(
    answer.kind === 'entries' && answer.entries.map(({ name, digest }) => `${name} ${digest === null}`),
    ['news true', 'another false'],
  )
  time += 2 * DAY
  await manager.prune()
  // Also for who stands at what is still there: of what came next, something is not.
  for (const entry of [first, second]) assert.deepEqual(await askBehind(entry), { kind: 'snapshot', reason: 'away' })
  const late = { known: 1, chain: first?.chain ?? '', name: 'late' }
  assert.deepEqual(await publish(late, 5), { kind: 'behind' })
  assert.deepEqual(
    (await installation.store.sharedLog.listAfter(0, 9)).map(({ name }) => name),
    ['kept', 'another'],
  )
  await manager.stop()
  await installation.close()
})

test('the same change again gets the same answer, and is one change', async () => {
  const installation = await openInstallation()
  const log = { info() {}, warn() {}, error() {}, debug() {} } as never
  const manager = new Manager({ store: installation.store, log, awayMs: 1_000, keptMs: 1_000_000_000 })
  const by = await manager.authenticate(await manager.add('berlin'))
  const first = await manager.publish(by, change)
  assert.equal(first.kind, 'accepted')
  assert.deepEqual(await manager.publish(by, change), first)
  assert.equal(await manager.sequence(), 1)
  await manager.stop()
  await installation.close()
})
