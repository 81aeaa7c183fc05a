/**
 * A data folder that is copied while a server takes samples in: its files are of different instants. A start refuses the
 * copy, or works with what is in it, and then says what is missing: a hunt with the index, and one without, cover the same
 * samples, and count those that they could not read.
 *
 * With BACKTRAIL_LONG=1 there are 20 copies.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { backtrailTo, folderWith } from '../cli/running.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { rows } from './data-folder.ts'
import { KillableServer } from './killable-server.ts'

const COPIES = process.env.BACKTRAIL_LONG === '1' ? 20 : 2
const slow = { timeoutMs: 180_000 }
const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'

const hashesIn = (stdout: string): string[] => (stdout.match(/\b[0-9a-f]{64}\b/g) ?? []).sort()

test('a copy of a folder in use is refused, or hunts over it find what is there and count what is not', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const folder = folderWith(t, { 'marks.yar': marks })
  const server = new KillableServer(t)
  await server.start()

  let taken = 0
  let isOver = false
  const takeSamples = async () => {
    while (!isOver) {
      const filling = Buffer.from(random.bytes(1 + random.below(20_000)))
      await server.take(Buffer.concat([Buffer.from(`the marked words ${taken++} `), filling]), `sample-${taken}`)
    }
  }
  const taking = Promise.all(Array.from({ length: 4 }, takeSamples))
  const copies: string[] = []
  for (let n = 0; n < COPIES; n++) {
    const goal = taken + 15 + random.below(40)
    await Promise.race([
      taking,
      (async () => {
        while (taken < goal) await sleep(10)
      })(),
    ])
    const copy = join(folder, `copy-${n}`)
    // A file that goes away while it is copied is none of the copy; cp says so and goes on.
    await promisify(execFile)('cp', ['-a', server.data, copy]).catch(() => {})
    copies.push(copy)
  }
  isOver = true
  await taking
  await server.stop()

  const seen = { refused: 0, opened: 0, skipped: 0 }
  for (const copy of copies) {
    const opened = new KillableServer(t, [], copy)
    try {
      await opened.start()
    } catch (error) {
      assert.match(String(error), /ended with 1:[\s\S]* damaged/)
      seen.refused++
      continue
    }
    await opened.untilIdle()
    await opened.stop()
    seen.opened++
    const [row] = rows(copy, "SELECT count(*) AS n FROM samples WHERE stored = 1 AND state = 'processed'")
    const found: string[][] = []
    for (const how of [[], ['--no-index']]) {
      const { stdout, stderr } = await backtrailTo(0, ['hunt', join(folder, 'marks.yar'), ...how, '--data', copy], slow)
      const hashes = hashesIn(stdout)
      const skipped = Number(/(\d+) samples? could not be scanned/.exec(stderr)?.[1] ?? 0)
      assert.equal(hashes.length + skipped, row?.n, `seed ${seed}, ${how}: ${hashes.length} found\n${stderr}`)
      seen.skipped += skipped
      found.push(hashes)
    }
    assert.deepEqual(found[0], found[1], `seed ${seed}`)
  }
  t.diagnostic(JSON.stringify({ ...seen, taken }))
})
