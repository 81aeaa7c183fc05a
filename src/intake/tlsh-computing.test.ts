import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freshCollection } from './collection.fixture.ts'

const BYTES = 1_000_000

test('while samples arrive little is computed, and the rest when none do', { timeout: 120_000 }, async (t) => {
  const c = await freshCollection(t)
  const path = join(c.folder, 'arriving')
  await writeFile(path, 'a file that takes long to copy')
  const copied = Promise.withResolvers<void>()
  const started: number[] = []
  const run = c.pool.run.bind(c.pool)
  t.mock.method(c.pool, 'run', async (...task: Parameters<typeof run>) => {
    if (task[0] === 'tlsh') started.push(performance.now())
    const output = await run(...task)
    if (task[0] === 'copyAndHash') await copied.promise
    return output
  })
  const arriving = c.intake.ingestFile(path, { filename: 'arriving', userId: null })
  const ids: number[] = []
  for (const name of ['first', 'second', 'third']) {
    const document = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(BYTES)])
    const { id, processed } = await c.intake.receive(Readable.from([document]), { filename: name, userId: null })
    await processed
    ids.push(id)
  }
  while (started.length < 2) await delay(10)
  const [first = 0, second = 0] = started
  // A worker takes some ten milliseconds for one of them, and the pause is fifty times as long.
  assert.ok(second - first >= 500, `${second - first} ms between two`)

  copied.resolve()
  await arriving
  await c.intake.idle()
  for (const id of ids) {
    while ((await c.store.tlsh.find(id)) === null) await delay(10)
  }
  assert.equal(started.length, 3)
  assert.deepEqual(c.log.errors, [])
})
