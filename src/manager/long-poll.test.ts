import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { openInstallation } from '../rulesets/installation.fixture.ts'
import { Manager } from './manager.ts'

const report = {
  ...{ sequence: 0, digest: '', rulesets: 0, waiting: 0, engine: '', version: '', problem: '' },
  ...{ out_of_sync: [], invalid: [] },
}
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
