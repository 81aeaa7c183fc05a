/**
 * Worker processes that are killed, stopped or sent into a crash from outside, and texts that do it from inside. It may
 * cost a retry, and a mark where a scan had to be given up; never the hunt, an upload, or somebody else's answer.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backtrailTo, folderWith } from '../cli/running.ts'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { demandConsistency, progressRecordOf, rows } from './data-folder.ts'
import { type Json, KillableServer, twoWorkers, until } from './killable-server.ts'
import type { Process } from './processes.ts'

const scan = (loops: number) => `
rule slow { strings: $a = "the marked words" condition: for all i in (0..${loops}) : ( i >= 0 ) and $a }`
// Only on samples that hold the string: what ends on no sample at all is refused when it is saved.
const endless = 'rule endless { strings: $a = "words" condition: $a and for all i in (0..9000000000) : ( i >= 0 ) }'
const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'

function contentsFrom(random: Random, count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) =>
    Buffer.concat([
      Buffer.from(`sample ${n} ${n % 2 === 0 ? 'the marked words' : 'other words'} `),
      random.bytes(100 + random.below(5_000)),
    ]),
  )
}

async function serverWith(t: TestContext, flags: readonly string[] = []) {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const server = new KillableServer(t, [...twoWorkers, ...flags])
  await server.start()
  return { server, seed, random: randomFrom(seed) }
}

async function takeAll(server: KillableServer, contents: readonly Buffer[]): Promise<string[]> {
  const hashes = await Promise.all(contents.map((content, n) => server.take(content, `sample-${n}`)))
  await server.untilProcessed(hashes)
  return hashes
}

const marked = (rule: string, hashes: readonly string[]) =>
  hashes
    .filter((_, n) => n % 2 === 0)
    .map((hash) => `${rule} ${hash}`)
    .sort()

test('workers that are killed during a Local Retro cost a retry each, and no match', async (t) => {
  const { server, random } = await serverWith(t)
  const hashes = await takeAll(server, contentsFrom(random, 120))
  await server.demandRuleset('slow', scan(3_000_000))
  await server.startRetro()
  let killed = 0
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGKILL', 'SIGABRT'] as const) {
    const { processed } = await server.retro()
    const [worker] = random.shuffled(server.workers())
    if (!worker) continue
    process.kill(worker.pid, signal)
    killed++
    // Past all that was under way: two crashes on one sample would give it up, which is the next test.
    await until(
      async () => (await server.retro()).processed > processed + 24 || (await server.retro()).state !== 'RUNNING',
      () => 'the hunt goes on after the loss of a worker',
    )
  }
  assert.ok(killed >= 3, `only ${killed} workers were killed`)
  await server.retroCompleted()
  assert.deepEqual(await server.matchesOf('slow'), marked('slow', hashes))
  assert.equal(await server.rulesetStatus('slow'), 'active')
  await server.stop()
  await demandConsistency(server.data)
})

test('workers that are killed while samples arrive cost a retry each, and no sample', async (t) => {
  const { server, random } = await serverWith(t)
  await server.demandRuleset('slow', scan(2_000_000))
  const contents = contentsFrom(random, 40)
  const arriving = takeAll(server, contents)
  let killed = 0
  for (; killed < 3; killed++) {
    const processed = rows(server.data, "SELECT id FROM samples WHERE state = 'processed'").length
    const [worker] = random.shuffled(server.workers())
    assert.ok(worker, 'there is no worker')
    process.kill(worker.pid, 'SIGKILL')
    await until(
      () => {
        const all = rows(server.data, 'SELECT state FROM samples').map(({ state }) => state)
        const now = all.filter((state) => state === 'processed').length
        return now > processed || (all.length === contents.length && now === all.length)
      },
      () => 'samples are processed after the loss of a worker',
    )
  }
  const hashes = await arriving
  assert.deepEqual(await server.matchesOf('slow'), marked('slow', hashes))
  await server.stop()
  await demandConsistency(server.data)
})

test('a worker that hangs in a scan is replaced, its scan marked, and the hunt ends', async (t) => {
  const { server, random } = await serverWith(t, ['--scan-timeout', '1s'])
  const hashes = await takeAll(server, contentsFrom(random, 30))
  await server.demandRuleset('slow', scan(5_000_000))
  await server.startRetro()
  const stopped = await stopInScan(server)
  await server.retroCompleted()
  const { reason } = await particularsOf(server, 'slow')
  assert.match(reason, /^Stopped on sample [0-9a-f]{40} \(timeout\)/)
  const given = rows(
    server.data,
    'SELECT lower(hex(sha256)) AS sha256 FROM strikes JOIN samples ON samples.id = sample_id',
  )
  assert.equal(given.length, 1, 'one scan hung, and as many samples should be marked')
  const [{ sha256 } = { sha256: '' }] = given
  const expected = marked('slow', hashes).filter((match) => match !== `slow ${sha256}`)
  const found = await server.matchesOf('slow')
  assert.deepEqual(
    found.filter((match) => match !== `slow ${sha256}`),
    expected,
  )
  assert.ok(!server.workers().some(({ pid, started }) => pid === stopped.pid && started === stopped.started))
  assert.equal(await server.rulesetStatus('slow'), 'active', 'one sample suspends no ruleset')
  await server.stop()
  await demandConsistency(server.data)
})

test('a ruleset that scans for ever is suspended with a reason, and holds up neither uploads nor other rulesets', async (t) => {
  const { server, random } = await serverWith(t, ['--scan-timeout', '1s'])
  await server.demandRuleset('endless', endless)
  await server.demandRuleset('marks', marks)
  const contents = contentsFrom(random, 20)
  const hashes: string[] = []
  for (const [n, content] of contents.slice(0, 3).entries()) {
    assert.equal(await server.rulesetStatus('endless'), 'active', `suspended after ${n} samples already`)
    hashes.push(await server.take(content, `sample-${n}`))
    await server.untilProcessed(hashes)
  }
  await until(
    async () => (await server.rulesetStatus('endless')) === 'error',
    () => 'the endless ruleset is suspended',
  )
  const { reason } = await particularsOf(server, 'endless')
  assert.match(reason, /^Suspended after 3 samples\. Stopped on sample [0-9a-f]{40} \(timeout\)/)
  assert.equal(await server.rulesetStatus('marks'), 'active')
  assert.ok(
    rows(server.data, "SELECT message FROM journal WHERE kind = 'ruleset-suspended'").length === 1,
    'the journal does not name it',
  )
  hashes.push(...(await takeAll(server, contents.slice(3))))
  assert.deepEqual(await server.matchesOf('marks'), marked('marked', hashes))
  assert.equal(rows(server.data, 'SELECT sample_id FROM strikes').length, 3, 'it was run after it was suspended')
  // Enabled again it gets another chance, this time in a Local Retro, and loses it again.
  await server.call('POST', '/api/yara/ruleset/enable/', new URLSearchParams({ name: 'endless' }))
  assert.equal(await server.rulesetStatus('endless'), 'active')
  await server.startRetro()
  await server.retroCompleted()
  assert.equal(await server.rulesetStatus('endless'), 'error')
  assert.deepEqual(await server.matchesOf('marks'), marked('marked', hashes))
  await server.stop()
  await demandConsistency(server.data)
})

test('a hunt from the command line whose rules had to be stopped says that matches may be missing', async (t) => {
  const folder = folderWith(t, { sample: 'the marked words', 'endless.yar': endless, 'marks.yar': marks })
  const data = join(folder, 'data')
  await backtrailTo(0, ['ingest', join(folder, 'sample'), '--data', data])
  const rules = [join(folder, 'endless.yar'), join(folder, 'marks.yar')]
  const env = { BACKTRAIL_SCAN_TIMEOUT: '1s' }
  const { stdout, stderr } = await backtrailTo(1, ['hunt', ...rules, '--data', data], { env })
  assert.match(stdout, /^marked\t/)
  assert.match(stderr, /endless was stopped: .*longer than allowed\nMatches may be missing\./)
})

test('a text that compiles too long or eats memory hurts only its own request', async (t) => {
  const { server } = await serverWith(t, ['--compile-timeout', '3s'])
  await server.demandRuleset('marks', marks)
  let isOver = false
  const heavy = server.saveRuleset('heavy', heavyText(20_000)).finally(() => {
    isOver = true
  })
  // Others save, upload and are matched meanwhile.
  const hashes: string[] = []
  let answered = 0
  while (!isOver && answered < 20) {
    await server.demandRuleset(`other-${answered}`, marks)
    hashes.push(await server.take(Buffer.from(`the marked words, sent while it compiles ${answered}`), 'other'))
    if (!isOver) answered++
    await sleep(20)
  }
  assert.ok(answered > 0, 'the heavy text was refused before anybody else asked for anything')
  const { status, json } = await heavy
  assert.equal(status, 500)
  assert.match(JSON.stringify(json), /compile-(?:timeout|memory|crash)/)
  assert.match(JSON.stringify(json), /takes longer than allowed|needs more memory than allowed/)
  assert.equal(await server.rulesetStatus('heavy'), 'invalid')
  await server.untilProcessed(hashes)
  assert.deepEqual(await server.matchesOf('marks'), hashes.map((hash) => `marked ${hash}`).sort())
  await server.stop()
  await demandConsistency(server.data)
})

async function particularsOf(server: KillableServer, name: string): Promise<Json> {
  const { json } = await server.call('GET', '/api/rulesets/')
  return json.results.find((ruleset: Json) => ruleset.name === name) ?? assert.fail(`there is no ${name}`)
}

/** Sends SIGSTOP to a worker that is inside a scan. Gives the worker. */
async function stopInScan(server: KillableServer): Promise<Process> {
  for (let tries = 0; tries < 500; tries++) {
    for (const worker of server.workers()) {
      process.kill(worker.pid, 'SIGSTOP')
      if (isScanning(server, worker)) return worker
      process.kill(worker.pid, 'SIGCONT')
    }
    await sleep(5)
  }
  return assert.fail('no worker was found inside a scan')
}

/** Reads the worker's progress record: the byte at 16 is the number of its stage (src/scanning/progress-record.ts). */
function isScanning(server: KillableServer, worker: Process): boolean {
  const SCAN = 6
  const [, name = ''] = /(worker-\d+\.progress)/.exec(worker.command) ?? []
  return readFileSync(progressRecordOf(server.data, name))[16] === SCAN
}

/** Rules whose compiled form is many times their text. */
function heavyText(rules: number): string {
  return Array.from(
    { length: rules },
    (_, n) =>
      `rule r${n} { strings: $a = /x${n}[a-f]{3,40}y.{0,20}z${n}/ condition: $a and for any i in (1..#a) : ( @a[i] > ${n} ) }`,
  ).join('\n')
}
