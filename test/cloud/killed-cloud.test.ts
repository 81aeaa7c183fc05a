/** SIGKILL of a cloud while it takes samples in and while it hunts: the feeds end with each entry once. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { demandConsistency, rows } from '../faults/data-folder.ts'
import { until } from '../faults/killable-server.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { findingsOf, nowSeconds, startCloud, Tenant } from './tenant.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
const KILLS = isLong ? 4 : 3

const sha1 = (content: Uint8Array) => createHash('sha1').update(content).digest('hex')

/** Takes some hundredths of a second on each sample, whatever is in it, and matches a third of them. */
const slow = `
rule slow {
  strings: $a = "the marked words"
  condition: for all i in (0..4000000) : ( i >= 0 ) and $a
}`
const quick = 'rule quick { strings: $a = "the marked words" condition: $a }'

function contentsFrom(random: ReturnType<typeof randomFrom>, count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) =>
    Buffer.concat([
      Buffer.from(`sample number ${n} ${n % 3 === 0 ? 'the marked words' : 'other words'} `),
      random.bytes(1 + random.below(5_000)),
    ]),
  )
}

const expected = (ruleset: string, rule: string, contents: readonly Buffer[]) =>
  contents
    .filter((_, n) => n % 3 === 0)
    .map((content) => `${ruleset} ${sha1(content)} ${rule}`)
    .sort()

test('a cloud that is killed while it takes samples in tells of each match once', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const cloud = await startCloud(t)
  const [acme, rival] = [await Tenant.add(cloud, 'acme'), await Tenant.add(cloud, 'rival')]
  const start = nowSeconds()
  await acme.create('quick', quick)
  await rival.create('quick', quick)
  const contents = contentsFrom(random, isLong ? 120 : 60)
  let unfinished = 0
  for (let from = 0; from < contents.length; from += 30) {
    const some = contents.slice(from, from + 30)
    const sent = some.map((content, n) => cloud.upload(content, `sample-${from + n}`).catch(() => null))
    // The others are in the middle of it then, on any machine.
    await Promise.race(sent)
    await sleep(random.below(100))
    await cloud.kill()
    await Promise.all(sent)
    unfinished += rows(cloud.data, "SELECT id FROM samples WHERE state = 'queued'").length
    await cloud.start()
    // What was not acknowledged is sent again; what was is known.
    await Promise.all(some.map((content, n) => cloud.take(content, `sample-${from + n}`)))
  }
  await cloud.untilIdle()
  assert.ok(unfinished > 0, `seed ${seed}: no kill came in the middle`)
  for (const tenant of [acme, rival]) {
    assert.deepEqual(findingsOf(await tenant.feed('live', start)), expected('quick', 'quick', contents), `seed ${seed}`)
  }
  await cloud.stop()
  await demandConsistency(cloud.data)
})

test('a retro hunt that is killed again and again ends by itself, and its feed holds each match once', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const cloud = await startCloud(t)
  const acme = await Tenant.add(cloud, 'acme')
  const contents = contentsFrom(random, 90)
  const hashes = await Promise.all(contents.map((content, n) => cloud.take(content, `sample-${n}`)))
  await cloud.untilProcessed(hashes)
  const start = nowSeconds()
  await acme.create('slow', slow)
  await acme.startRetro('slow')
  let midway = 0
  let reached = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const wanted = Math.min(0.9, reached + 0.05 + random.below(10) / 100)
    await until(
      async () => {
        const { retro_status, progress } = await acme.retro('slow')
        return retro_status !== 'RUNNING' || (progress ?? 0) >= wanted
      },
      () => `${wanted} of the hunt is done`,
    )
    await cloud.kill()
    const [row] = rows(cloud.data, "SELECT state, processed, samples FROM hunts WHERE kind = 'retro'")
    if (row?.state === 'running') midway++
    const before = Number(row?.processed) / Number(row?.samples)
    await cloud.start()
    const { retro_status, progress } = await acme.retro('slow')
    assert.ok(retro_status === 'RUNNING' || retro_status === 'FINISHED', retro_status)
    reached = progress ?? 1
    assert.ok(reached >= before, `seed ${seed}: it was at ${before} and begins again at ${reached}`)
  }
  assert.ok(midway >= 2, `only ${midway} of ${KILLS} kills came in the middle of the hunt`)
  await acme.retroEnded('slow')
  assert.deepEqual(findingsOf(await acme.feed('retro', start)), expected('slow', 'slow', contents), `seed ${seed}`)
  assert.deepEqual(await acme.feed('live', start), [])
  await cloud.stop()
  await demandConsistency(cloud.data)
})
