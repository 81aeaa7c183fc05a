/** Texts of 32 MB, which the thread that answers everybody takes and gives in small pieces. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { newNonce, type PublishRequest } from '../manager-protocol/index.ts'
import { openInstallation } from '../rulesets/installation.fixture.ts'
import { Manager } from './manager.ts'

/** A piece has 64 KB, so a text of 32 MB has 512. */
const TURNS = 250
const TEXT = `// ${'ä text of many rules, '.repeat(1_500_000)}`

/** What the work gives, and how many turns the event loop took meanwhile: in each, others were served. */
async function turnsOf<T>(work: Promise<T>): Promise<{ readonly result: T; readonly turns: number }> {
  let isOver = false
  let turns = 0
  const over = work.finally(() => {
    isOver = true
  })
  for (; !isOver; turns++) await setImmediate()
  return { result: await over, turns }
}

test('others are served while a manager takes a long text, and while it hands it out', async () => {
  const installation = await openInstallation()
  const log = { info() {}, warn() {}, error() {}, debug() {} } as never
  const manager = new Manager({ store: installation.store, log, awayMs: 1_000, keptMs: 1_000_000_000 })
  const change: PublishRequest = {
    ...{ nonce: newNonce(), change: '0f0e0d0c-0000-4000-8000-000000000000', name: 'long_one', replaces: 0 },
    ...{ known: 0, chain: '', enabled: true, author: 'anna', deleted: false, text: TEXT },
  }
  const published = await turnsOf(manager.publish({ id: 1, name: 'berlin' }, change))
  assert.equal(published.result.kind, 'accepted')
  assert.ok(published.turns > TURNS, `only ${published.turns} turns while it was taken`)
  const { digest = null } = published.result.kind === 'accepted' ? published.result.entry : {}
  const read = await turnsOf((async () => (await manager.text(digest ?? '')).toArray())())
  assert.ok(read.turns > TURNS, `only ${read.turns} turns while it was handed out`)
  assert.ok(Buffer.concat(read.result).equals(Buffer.from(TEXT)))
  await installation.close()
})
