import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { FeedClock } from './feed-clock.ts'

let folder: string
let database: Database
const time = { wall: 0, steady: 0 }
const clocks = { wall: () => time.wall * 1000, steady: () => time.steady * 1000 }
const secondOf = (clock: FeedClock) => storeOf(database).transaction('readTenantFeed', (tx) => clock.second(tx))

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-feed-clock-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  time.wall = 1_000_000
  time.steady = 0
})

afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

test('feed time is that of the machine', async () => {
  const clock = new FeedClock(clocks)
  assert.equal(await secondOf(clock), 1_000_000)
  time.wall += 0.9
  assert.equal(await secondOf(clock), 1_000_000)
  time.wall += 0.2
  assert.equal(await secondOf(clock), 1_000_001)
})

test('feed time never goes back when the clock does, goes on slowly meanwhile, and meets the clock again', async () => {
  const clock = new FeedClock(clocks)
  assert.equal(await secondOf(clock), 1_000_000)
  time.wall -= 30
  assert.equal(await secondOf(clock), 1_000_000)
  let last = 1_000_000
  for (let passed = 0; passed < 100; passed++) {
    time.wall += 1
    time.steady += 1
    const second = await secondOf(clock)
    assert.ok(second >= last && second - last <= 1, `${last}, then ${second}`)
    last = second
  }
  assert.equal(last, time.wall)
})

test('feed time does not go back over a restart with a clock that was set back', async () => {
  assert.equal(await secondOf(new FeedClock(clocks)), 1_000_000)
  time.wall -= 3600
  assert.equal(await secondOf(new FeedClock(clocks)), 1_000_000)
})

test('a second that was given in a transaction that fails is not used up', async () => {
  const clock = new FeedClock(clocks)
  await assert.rejects(
    storeOf(database).transaction('readTenantFeed', async (tx) => {
      assert.equal(await clock.second(tx), 1_000_000)
      throw new Error('rolled back')
    }),
    /rolled back/,
  )
  time.wall -= 10
  assert.equal(await secondOf(clock), 999_990)
})
