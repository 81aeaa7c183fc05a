/** A data folder on a disk that runs full: refused is refused with 503, and what was acknowledged is not lost. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { demandConsistency, rows, underWay } from './data-folder.ts'
import { type Answer, KillableServer, twoWorkers, until } from './killable-server.ts'
import { SmallDisk } from './small-disk.ts'

const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'
/** Takes about a tenth of a second a sample, and then matches with many rules, which makes the database grow. */
const rules = (count: number) =>
  [
    'rule slow { condition: for all i in (0..6000000) : ( i >= 0 ) }',
    ...Array.from({ length: count }, (_, n) => `rule marked_${n} { strings: $a = "the marked words" condition: $a }`),
  ].join('\n')
const many = rules(60)
/** More than fits into the log of the database before it begins anew in the room that it has. */
const MOST = 1_000

const skip = SmallDisk.skipped

async function serverOnSmallDisk(t: TestContext, megabytes: number, flags: readonly string[] = []) {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const disk = SmallDisk.mount(t, megabytes)
  const server = new KillableServer(t, flags, join(disk.folder, 'home', 'data'))
  await server.start()
  return { disk, server, random: randomFrom(seed) }
}

const sampleOf = (random: Random, size: number) => Buffer.concat([Buffer.from('the marked words '), random.bytes(size)])

function demandRefusal({ status, json }: Answer): void {
  assert.equal(status, 503, JSON.stringify(json))
  assert.equal(json.error, 'storage.full')
  assert.match(json.message, /storage is full; free some space/)
}

test('a full disk refuses uploads with 503 and loses nothing; with room again they are taken', { skip }, async (t) => {
  const { disk, server, random } = await serverOnSmallDisk(t, 64)
  await server.demandRuleset('marks', marks)
  const hashes: string[] = []
  for (let n = 0; n < 5; n++) hashes.push(await server.take(sampleOf(random, 50_000), `early-${n}`))
  await server.untilProcessed(hashes)

  disk.fill(3_000_000)
  demandRefusal(await server.upload(sampleOf(random, 8_000_000), 'larger than what is left'))
  assert.deepEqual(underWay(server.data), [], 'the refused upload still takes room')
  const inBetween = await server.take(sampleOf(random, 20_000), 'smaller than what is left')
  hashes.push(inBetween)
  await server.untilProcessed(hashes)

  disk.fill()
  const refused: Answer[] = []
  for (let n = 0; n < 8; n++) refused.push(await server.upload(sampleOf(random, 100_000), `refused-${n}`))
  for (const answer of refused) demandRefusal(answer)
  // What needs no upload needs room in the database all the same.
  let saved = 0
  let answer = await server.saveRuleset('more', marks)
  for (; answer.status === 200 && saved < 30; saved++) {
    answer = await server.saveRuleset(`more-${saved}`, `${marks} // ${'x'.repeat(500_000)}`)
  }
  demandRefusal(answer)
  for (const hash of hashes) assert.equal(await server.downloaded(hash), hash)
  assert.equal((await server.call('GET', '/healthz')).status, 200)
  assert.deepEqual(await server.matchesOf('marks'), hashes.map((hash) => `marked ${hash}`).sort())

  disk.free()
  hashes.push(await server.take(sampleOf(random, 100_000), 'late'))
  await server.untilProcessed(hashes)
  assert.deepEqual(await server.matchesOf('marks'), hashes.map((hash) => `marked ${hash}`).sort())
  await server.stop()
  await demandConsistency(server.data)
})

test('samples that were acknowledged before the disk ran full wait, and are processed once there is room', {
  skip,
}, async (t) => {
  const { disk, server, random } = await serverOnSmallDisk(t, 64)
  await server.demandRuleset('many', many)
  const hashes: string[] = []
  for (let n = 0; n < 30; n++) hashes.push(await server.take(sampleOf(random, 30_000), `sample-${n}`))
  disk.fill()
  await until(
    () => server.logged.some(({ msg }) => /could not be committed now/.test(msg)),
    () => 'the log says that samples could not be committed',
  )
  assert.ok((await server.processedOf(hashes)).length < hashes.length, 'all were processed before the disk was full')
  assert.equal((await server.call('GET', '/healthz')).status, 200)
  for (const hash of hashes) assert.equal(await server.downloaded(hash), hash)
  disk.free()
  await server.untilProcessed(hashes)
  assert.equal((await server.matchesOf('many')).length, 61 * hashes.length)
  await server.stop()
  await demandConsistency(server.data)
})

test('workers whose first sample comes when the disk is full already lose no match', { skip }, async (t) => {
  const { disk, server, random } = await serverOnSmallDisk(t, 64, twoWorkers)
  const workers = server.workers()
  assert.equal(workers.length, 2)
  for (const { pid } of workers) process.kill(pid, 'SIGSTOP')
  await server.demandRuleset('marks', marks)
  const hashes: string[] = []
  for (let n = 0; n < 30; n++) hashes.push(await server.take(sampleOf(random, 30_000), `sample-${n}`))
  disk.fill()
  for (const { pid } of workers) process.kill(pid, 'SIGCONT')
  await until(
    () => server.logged.some(({ msg }) => /could not be committed now/.test(msg)),
    () => 'the log says that samples could not be committed',
  )
  disk.free()
  await server.untilProcessed(hashes)
  assert.equal((await server.matchesOf('marks')).length, hashes.length)
  await server.stop()
})

test('a Local Retro that meets a full disk waits, and completes once there is room', { skip }, async (t) => {
  const { disk, server, random } = await serverOnSmallDisk(t, 64)
  const hashes: string[] = []
  for (let n = 0; n < 50; n++) hashes.push(await server.take(sampleOf(random, 10_000), `sample-${n}`))
  await server.untilProcessed(hashes)
  await server.demandRuleset('many', rules(MOST))
  // Filling all of it takes longer than the hunt may.
  disk.fill(2_000_000)
  await server.startRetro()
  await until(
    async () => (await server.retro()).processed > 2,
    () => 'the hunt is under way',
  )
  disk.fill()
  await until(
    () => server.logged.some(({ msg, level }) => level !== 'info' && /the hunt waits until there is room/.test(msg)),
    () => 'the log says that the hunt waits',
  )
  assert.equal((await server.retro()).state, 'RUNNING')
  disk.free()
  await server.retroCompleted()
  assert.deepEqual(rows(server.data, 'SELECT count(*) AS n FROM matches'), [{ n: (1 + MOST) * hashes.length }])
  await server.stop()
  await demandConsistency(server.data)
})

test('a server that is killed while the disk is full starts again once there is room, with everything there', {
  skip,
}, async (t) => {
  const { disk, server, random } = await serverOnSmallDisk(t, 64)
  await server.demandRuleset('many', many)
  const hashes: string[] = []
  for (let n = 0; n < 20; n++) hashes.push(await server.take(sampleOf(random, 30_000), `sample-${n}`))
  disk.fill()
  await until(
    () => server.logged.some(({ msg }) => /could not be committed now/.test(msg)),
    () => 'the log says that samples could not be committed',
  )
  await server.kill()
  disk.free()
  await server.start()
  await server.untilProcessed(hashes)
  assert.equal((await server.matchesOf('many')).length, 61 * hashes.length)
  await server.stop()
  await demandConsistency(server.data)
  assert.equal(rows(server.data, 'SELECT id FROM samples').length, hashes.length)
})

test('on a disk without a free block samples, rulesets and hunts can be deleted, and the server stops and starts', {
  skip,
}, async (t) => {
  const { disk, server, random } = await serverOnSmallDisk(t, 64)
  await server.demandRuleset('marks', marks)
  await server.demandRuleset('others', `${marks} // others`)
  const hashes: string[] = []
  for (let n = 0; n < 12; n++) hashes.push(await server.take(sampleOf(random, 200_000), `sample-${n}`))
  await server.untilProcessed(hashes)
  await server.startRetro()
  await server.retroCompleted()

  disk.fill()
  for (const hash of hashes.splice(0, 5)) {
    const { status, json } = await server.call('DELETE', `/api/samples/${hash}/`)
    assert.equal(status, 200, JSON.stringify(json))
    disk.fill()
  }
  await server.removeRuleset('others')
  await server.stop()
  disk.fill()
  assert.equal(disk.freeBytes, 0)
  await server.start()
  assert.deepEqual((await server.processedOf(hashes)).sort(), [...hashes].sort())
  demandRefusal(await server.upload(sampleOf(random, 1_000), 'while there is no room'))
  for (const hash of hashes.splice(0, 5)) {
    const { status, json } = await server.call('DELETE', `/api/samples/${hash}/`)
    assert.equal(status, 200, JSON.stringify(json))
    disk.fill()
  }
  disk.free()
  hashes.push(await server.take(sampleOf(random, 1_000), 'with room again'))
  await server.untilProcessed(hashes)
  assert.deepEqual(await server.matchesOf('marks'), hashes.map((hash) => `marked ${hash}`).sort())
  await server.stop()
  await demandConsistency(server.data)
})
