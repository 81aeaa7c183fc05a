import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import {
  always,
  endless,
  eventually,
  hello,
  item,
  openPool,
  ruleset,
  summary,
  type VerifyItem,
} from './fixtures/open-pool.ts'
import type { WorkerPool } from './index.ts'

const hunt = { priority: 'hunt' } as const

function verify(
  pool: WorkerPool,
  ruleSet: string,
  items: readonly VerifyItem[],
  priority: 'hunt' | 'interactive' = 'hunt',
) {
  return pool.run('verify', { ruleSet, items, strings: false }, { priority })
}

test('samples are scanned with the rulesets that each item names', async (t) => {
  const { pool, sample } = openPool(t)
  pool.setRuleSet({ id: 'set', rulesets: [hello, always] })
  const greeting = sample('greeting', 'well, hello there')
  const other = sample('other', 'nothing')
  const output = await verify(pool, 'set', [item(1, greeting), item(2, other), item(3, greeting, ['always'])])
  assert.deepEqual(summary(output), ['1: hello always', '2: always', '3: always'])
  assert.equal(output.scannedBytes, 17 + 7 + 17)
})

test('where that is asked for, each process starts when the first task needs it, and no more than are needed', async (t) => {
  const { pool, sample } = openPool(t, { onDemand: true, limits: { scanMs: 300 } })
  const roles = () =>
    pool
      .statistics()
      .processes.map(({ role }) => role)
      .sort()
  assert.deepEqual(roles(), [])
  assert.ok((await pool.run('check', { content: 'rule a { condition: true }' }, { priority: 'interactive' })).valid)
  assert.deepEqual(roles(), ['checker'])
  pool.setRuleSet({ id: 'set', rulesets: [hello, endless] })
  const calm = sample('calm', 'hello')
  for (let n = 0; n < 3; n++) assert.deepEqual(summary(await verify(pool, 'set', [item(1, calm)])), ['1: hello'])
  assert.deepEqual(roles(), ['checker', 'worker'])
  const spinning = sample('spinning', 'hello, spin')
  const both = await Promise.all([verify(pool, 'set', [item(1, spinning)]), verify(pool, 'set', [item(2, calm)])])
  assert.deepEqual(both.map(summary), [['1: hello endless=timeout'], ['2: hello']])
  assert.deepEqual(roles(), ['checker', 'worker', 'worker'])
})

test('an endless rule is given up for its sample alone, and holds up nothing else', async (t) => {
  const { pool, sample } = openPool(t, { limits: { scanMs: 300 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello, endless, always] })
  const spinning = sample('spinning', 'hello, spin')
  const calm = sample('calm', 'hello')
  const output = await verify(pool, 'set', [item(1, calm), item(2, spinning), item(3, calm)])
  assert.deepEqual(summary(output), ['1: hello always', '2: hello always endless=timeout', '3: hello always'])
  assert.ok(pool.statistics().restarts.timeout >= 1)
})

test('a scan that the machine gives no processor time is not given up', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { scanMs: 1_000 } })
  pool.setRuleSet({
    id: 'set',
    rulesets: [ruleset('slow', 'rule slow { condition: for all i in (0..9000000) : ( i >= 0 ) }')],
  })
  const output = verify(pool, 'set', [item(1, sample('calm', 'hello'))])
  const scanning = () => pool.statistics().processes.find(({ at }) => at?.stage === 'scan')
  await eventually('the worker scans', () => scanning() !== undefined)
  const pid = scanning()?.pid ?? assert.fail('the scan is over already')
  process.kill(pid, 'SIGSTOP')
  // Longer than a scan may take, and not so long that nobody would wait for it.
  await pause(2_000)
  process.kill(pid, 'SIGCONT')
  assert.deepEqual(summary(await output), ['1: slow'])
  assert.equal(pool.statistics().restarts.timeout, 0)
})

test('while every worker but one spins, others are served', async (t) => {
  const { pool, sample } = openPool(t, { limits: { scanMs: 60_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [endless, hello] })
  const spinning = sample('spinning', 'spin')
  const stop = new AbortController()
  const spin = pool.run(
    'verify',
    { ruleSet: 'set', items: [item(1, spinning)], strings: false },
    { ...hunt, signal: stop.signal },
  )
  const calm = sample('calm', 'hello')
  for (let i = 0; i < 5; i++) assert.deepEqual(summary(await verify(pool, 'set', [item(i, calm)])), [`${i}: hello`])
  stop.abort(new Error('enough'))
  await assert.rejects(spin, /enough/)
})

test('a worker that is killed by chance costs a retry, and no result', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { scanMs: 60_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello, endless] })
  const calm = sample('calm', 'hello')
  const spinning = sample('spinning', 'spin')
  const stop = new AbortController()
  const task = pool.run(
    'verify',
    { ruleSet: 'set', items: [item(1, calm), item(2, spinning)], strings: false },
    { ...hunt, signal: stop.signal },
  )
  await busyWorker(pool)
  process.kill(pidOf(pool), 'SIGKILL')
  await eventually('the worker is replaced', () => pool.statistics().restarts.crash === 1)
  await busyWorker(pool)
  stop.abort(new Error('it was tried again'))
  await assert.rejects(task, /tried again/)
})

test('a pair that crashes its worker twice is marked, and the rest of the task is done', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { scanMs: 60_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [endless, hello] })
  const calm = sample('calm', 'hello')
  const spinning = sample('spinning', 'hello, spin')
  const task = verify(pool, 'set', [
    item(1, calm, ['hello']),
    item(2, spinning, ['endless']),
    item(3, spinning, ['hello']),
  ])
  for (let crash = 0; crash < 2; crash++) {
    await scanning(pool, 'endless')
    process.kill(pidOf(pool), 'SIGSEGV')
    await eventually('the crash is seen', () => pool.statistics().restarts.crash === crash + 1)
  }
  assert.deepEqual(summary(await task), ['1: hello', '2: endless=crash', '3: hello'])
})

test('results of items that were decided before a crash are kept or made again', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { scanMs: 60_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [endless, hello] })
  const calm = sample('calm', 'hello')
  const spinning = sample('spinning', 'spin')
  const items = [...Array(200).keys()].map((n) =>
    item(n, n === 100 ? spinning : calm, n === 100 ? ['endless'] : ['hello']),
  )
  const task = verify(pool, 'set', items)
  for (let crash = 0; crash < 2; crash++) {
    await scanning(pool, 'endless')
    process.kill(pidOf(pool), 'SIGSEGV')
    await eventually('the crash is seen', () => pool.statistics().restarts.crash === crash + 1)
  }
  assert.deepEqual(
    summary(await task),
    items.map(({ sample }) => (sample === 100 ? '100: endless=crash' : `${sample}: hello`)),
  )
})

test('a text is checked with every error at its place', async (t) => {
  const { pool } = openPool(t)
  const content = 'rule é_ { condition: true }'
  const bad = await pool.run('check', { content }, { priority: 'interactive' })
  assert.equal(bad.valid, false)
  const good = await pool.run('check', { content: 'rule a { condition: true }' }, { priority: 'interactive' })
  assert.equal(good.valid, true)
  assert.deepEqual(
    good.diagnostics.map((d) => [d.severity, d.code]),
    [['warning', 'invariant_expr']],
  )
})

test('an include is refused, whatever file it names', async (t) => {
  const { pool } = openPool(t)
  const content = 'include "/etc/passwd"\nrule a { condition: filesize > 0 }'
  const { valid, diagnostics } = await pool.run('check', { content }, { priority: 'interactive' })
  assert.equal(valid, false)
  assert.deepEqual(
    diagnostics.map((d) => [d.code, d.line, d.column]),
    [['include-refused', 1, 1]],
  )
  assert.doesNotMatch(diagnostics[0]?.message ?? '', /root/)
})

test('a text that compiles for too long is stopped, while other texts and scans go on', async (t) => {
  const { pool, sample } = openPool(t, { limits: { compileMs: 1_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const slow = pool.run('check', { content: heavyText(20_000) }, { priority: 'interactive' })
  const quick = await pool.run('check', { content: 'rule a { condition: filesize > 0 }' }, { priority: 'interactive' })
  assert.equal(quick.valid, true)
  assert.deepEqual(summary(await verify(pool, 'set', [item(1, sample('calm', 'hello'))])), ['1: hello'])
  const { valid, diagnostics } = await slow
  assert.equal(valid, false)
  assert.deepEqual(
    diagnostics.map((d) => d.code),
    ['compile-timeout'],
  )
  assert.equal(pool.statistics().restarts.timeout, 1)
})

test('a text that eats memory is stopped, and the next one is checked', async (t) => {
  const { pool } = openPool(t, { limits: { checkBytes: 200 * 1024 * 1024 } })
  const greedy = await pool.run('check', { content: heavyText(20_000) }, { priority: 'interactive' })
  assert.deepEqual(
    greedy.diagnostics.map((d) => d.code),
    ['compile-memory'],
  )
  const next = await pool.run('check', { content: 'rule a { condition: filesize > 0 }' }, { priority: 'interactive' })
  assert.equal(next.valid, true)
})

test('a ruleset that cannot be compiled within its time is left out from then on', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { compileMs: 500 } })
  pool.setRuleSet({ id: 'set', rulesets: [ruleset('heavy', heavyText(20_000)), hello] })
  const path = sample('calm', 'hello')
  assert.deepEqual(summary(await verify(pool, 'set', [item(1, path), item(2, path)])), [
    '1: hello heavy=quarantine',
    '2: hello heavy=quarantine',
  ])
  const losses = pool.statistics().restarts.timeout
  assert.deepEqual(summary(await verify(pool, 'set', [item(3, path)])), ['3: hello heavy=quarantine'])
  assert.equal(pool.statistics().restarts.timeout, losses)
})

test('a worker that holds too much memory is replaced, and its sample is marked when it happens again', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { workerBytes: 400 * 1024 * 1024 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const huge = sample('huge', '')
  truncateSync(huge, 650 * 1024 * 1024)
  const output = await verify(pool, 'set', [item(1, huge), item(2, sample('calm', 'hello'))])
  assert.deepEqual(summary(output), ['1: hello=unreadable', '2: hello'])
  assert.equal(pool.statistics().restarts.memory, 2)
})

test('a live set is compiled ahead of its first sample', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  const source = sample('source', 'the worker is ready when it has taken this')
  await pool.run('copyAndHash', { source, temporary: `${source}.copy`, size: 0, examine: null }, hunt)
  pool.setRuleSet({ id: 'live:1', rulesets: [ruleset('heavy', heavyText(100))] })
  await eventually('it is being compiled', () =>
    pool.statistics().processes.some(({ at, busy }) => !busy && at?.stage === 'compile' && at.ruleset === 'heavy'),
  )
})

test('booleans in the meta section stay booleans, and private strings are not shown', async (t) => {
  const { pool, sample } = openPool(t)
  const content = `rule a : one two {
    meta: yes = true no = false number = -3 text = "t"
    strings: $shown = "shown" $hidden = "hidden" private
    condition: all of them }`
  pool.setRuleSet({ id: 'set', rulesets: [ruleset('r1', content)] })
  const path = sample('sample', 'this is shown; that is hidden; shown again')
  const output = await pool.run('verify', { ruleSet: 'set', items: [item(1, path)], strings: true }, hunt)
  const hit = output.results[0]?.hits[0]
  assert.deepEqual(hit?.meta, { yes: true, no: false, number: -3, text: 't' })
  assert.deepEqual(hit?.tags, ['one', 'two'])
  assert.deepEqual(
    hit?.strings.map((s) => [s.identifier, s.offset, s.length]),
    [
      ['$shown', 8, 5],
      ['$shown', 31, 5],
    ],
  )
  const first = hit?.strings[0]
  assert.equal(Buffer.from(first?.context ?? []).toString(), 'this is shown; that is hidden')
  assert.equal(first?.contextStart, 8)
})

test('rules see the external variables of the sample', async (t) => {
  const { pool, sample } = openPool(t)
  const content = 'rule named { condition: filename == "evil.exe" and owner == "ann" and filetype startswith "PE" }'
  pool.setRuleSet({ id: 'set', rulesets: [ruleset('r1', content)] })
  const path = sample('sample', 'x')
  const variables = { filename: 'evil.exe', filepath: '', extension: 'exe', filetype: 'PE/Exe', owner: 'ann' }
  const output = await verify(pool, 'set', [{ ...item(1, path), variables }, item(2, path)])
  assert.deepEqual(summary(output), ['1: r1', '2:'])
})

test('a file that is gone is a trouble of its item, not of the others', async (t) => {
  const { pool, sample, folder } = openPool(t)
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const output = await verify(pool, 'set', [item(1, join(folder, 'gone')), item(2, sample('calm', 'hello'))])
  assert.deepEqual(summary(output), ['1: hello=unreadable', '2: hello'])
  assert.match(output.results[0]?.errors[0]?.message ?? '', /ENOENT/)
})

test('a worker that may open no more files says nothing about the sample: whoever asks is to ask again', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const calm = sample('calm', 'hello')
  assert.deepEqual(summary(await verify(pool, 'set', [item(1, calm)])), ['1: hello'])
  const limitTo = (files: number) => execFileSync('prlimit', [`--pid=${pidOf(pool)}`, `--nofile=${files}:`])
  limitTo(1)
  await assert.rejects(verify(pool, 'set', [item(2, sample('another', 'hello'))]), { code: 'storage.unavailable' })
  limitTo(1_000)
  assert.deepEqual(summary(await verify(pool, 'set', [item(2, calm)])), ['2: hello'])
})

test('a ruleset that does not compile is a trouble, not a rejection', async (t) => {
  const { pool, sample } = openPool(t)
  pool.setRuleSet({ id: 'set', rulesets: [ruleset('broken', 'rule a { condition: nonsense }'), hello] })
  const output = await verify(pool, 'set', [item(1, sample('calm', 'hello'))])
  assert.deepEqual(summary(output), ['1: hello broken=engine'])
})

test('a hunt steps aside for someone who waits, and ends all the same', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  const slow = ruleset('slow', 'rule slow { condition: for all i in (0..400000) : ( i >= 0 ) }')
  pool.setRuleSet({ id: 'set', rulesets: [slow, hello] })
  const path = sample('calm', 'hello')
  let huntEnded = false
  const items = [...Array(200).keys()].map((n) => item(n, path, ['slow']))
  const running = verify(pool, 'set', items).then((output) => {
    huntEnded = true
    return output
  })
  await busyWorker(pool)
  assert.deepEqual(summary(await verify(pool, 'set', [item(1, path, ['hello'])], 'interactive')), ['1: hello'])
  assert.equal(huntEnded, false)
  assert.deepEqual(
    summary(await running),
    items.map(({ sample }) => `${sample}: slow`),
  )
})

test('a lane that is full refuses more, and lets patient tasks wait', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, queueLimit: 2, limits: { scanMs: 300 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const path = sample('calm', 'hello')
  // The worker is still starting: all of them wait.
  const tasks = [verify(pool, 'set', [item(1, path)]), verify(pool, 'set', [item(2, path)])]
  await assert.rejects(
    verify(pool, 'set', [item(3, path)]),
    (error) => error instanceof Failure && error.code === 'service.overloaded',
  )
  for (let sample = 4; sample < 30; sample++) {
    const input = { ruleSet: 'set', items: [item(sample, path)], strings: false }
    tasks.push(pool.run('verify', input, { ...hunt, waitForRoom: true }))
  }
  assert.equal(pool.statistics().waiting.hunt, 2)
  const ended: string[] = []
  for (const task of tasks) task.then((output) => ended.push(...summary(output)))
  await Promise.all(tasks)
  assert.deepEqual(
    ended,
    [1, 2, ...Array.from({ length: 26 }, (_, n) => n + 4)].map((sample) => `${sample}: hello`),
  )
})

test('a stopping pool also refuses the patient, and one of them that is aborted holds up no other', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, queueLimit: 1 })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const input = { ruleSet: 'set', items: [item(1, sample('calm', 'hello'))], strings: false }
  const stop = new AbortController()
  const waitForRoom = { ...hunt, waitForRoom: true }
  const first = pool.run('verify', input, waitForRoom)
  const aborted = pool.run('verify', input, { ...waitForRoom, signal: stop.signal })
  const next = pool.run('verify', input, waitForRoom)
  stop.abort(new Error('not wanted any more'))
  await assert.rejects(aborted, /not wanted/)
  assert.deepEqual((await Promise.all([first, next])).flatMap(summary), ['1: hello', '1: hello'])
  const late = Array.from({ length: 3 }, () => pool.run('verify', input, waitForRoom))
  const refused = Promise.allSettled(late)
  await pool.stop(0)
  for (const [n, result] of (await refused).entries()) {
    // The first runs already, and may end before it is killed.
    if (n > 0 || result.status === 'rejected')
      assert.ok(result.status === 'rejected' && (result.reason as Failure).code === 'service.stopping')
  }
})

test('a waiting task that is aborted leaves its lane, and makes room for another', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, queueLimit: 1 })
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const input = { ruleSet: 'set', items: [item(1, sample('calm', 'hello'))], strings: false }
  const stop = new AbortController()
  const waiting = pool.run('verify', input, { ...hunt, signal: stop.signal })
  const next = pool.run('verify', input, { ...hunt, waitForRoom: true })
  stop.abort(new Error('not wanted any more'))
  await assert.rejects(waiting, /not wanted/)
  assert.deepEqual(summary(await next), ['1: hello'])
})

test('a dropped set cannot be named any more, and tasks that named it before end', async (t) => {
  const { pool, sample } = openPool(t)
  pool.setRuleSet({ id: 'set', rulesets: [hello] })
  const path = sample('calm', 'hello')
  const task = verify(pool, 'set', [item(1, path)])
  pool.dropRuleSet('set')
  await assert.rejects(verify(pool, 'set', [item(1, path)]), /no rule set set/)
  assert.deepEqual(summary(await task), ['1: hello'])
  pool.setRuleSet({ id: 'set', rulesets: [{ ...hello, content: 'rule other { condition: filesize == 5 }' }] })
  const again = await verify(pool, 'set', [item(1, path)])
  assert.deepEqual(
    again.results[0]?.hits.map((hit) => hit.rule),
    ['other'],
  )
})

test('stopping refuses what waits, lets what runs end, and leaves no process', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  const slow = ruleset('slow', 'rule slow { condition: for all i in (0..3000000) : ( i >= 0 ) }')
  pool.setRuleSet({ id: 'set', rulesets: [slow] })
  const path = sample('calm', 'hello')
  await pool.run('check', { content: '' }, { priority: 'interactive' })
  const running = verify(pool, 'set', [item(1, path)])
  await busyWorker(pool)
  const waiting = verify(pool, 'set', [item(2, path)])
  const refused = assert.rejects(waiting, (error) => error instanceof Failure && error.code === 'service.stopping')
  const pids = pool.statistics().processes.map(({ pid }) => pid)
  await pool.stop()
  await refused
  assert.deepEqual(summary(await running), ['1: slow'])
  assert.deepEqual(pids.filter(isAlive), [])
  assert.equal(pids.length, 2)
})

test('workers inherit no secret of the server, and of its environment only where compiled modules are', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-compiled-'))
  const before = process.env.NODE_COMPILE_CACHE
  Object.assign(process.env, { BACKTRAIL_ADMIN_TOKEN: 'very-secret', NODE_COMPILE_CACHE: folder })
  t.after(() => {
    delete process.env.BACKTRAIL_ADMIN_TOKEN
    delete process.env.NODE_COMPILE_CACHE
    if (before !== undefined) process.env.NODE_COMPILE_CACHE = before
    rmSync(folder, { recursive: true })
  })
  const { pool } = openPool(t)
  await pool.run('check', { content: '' }, { priority: 'interactive' })
  const pids = pool.statistics().processes.map(({ pid }) => pid)
  assert.equal(pids.length, 3)
  for (const pid of pids) {
    const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').filter(Boolean)
    assert.deepEqual(
      variables.filter((variable) => !variable.startsWith('NODE_CHANNEL_')),
      [`NODE_COMPILE_CACHE=${folder}`],
    )
  }
  await eventually(
    'a worker that rests keeps what it compiled',
    () => readdirSync(folder, { recursive: true }).length > 5,
  )
})

test('no worker outlives its server, not even one in an endless scan', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-orphans-'))
  const server = fork(new URL('./fixtures/abandoned-server.ts', import.meta.url), [folder], { execArgv: [] })
  t.after(() => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })
  const [pids] = (await once(server, 'message')) as [number[]]
  assert.equal(pids.length, 3)
  assert.deepEqual(pids.filter(isAlive), pids)
  server.kill('SIGKILL')
  await eventually('all workers are gone', () => !pids.some(isAlive))
})

/** Thousands of different strings that take seconds and hundreds of megabytes to compile. */
function heavyText(rules: number): string {
  const texts: string[] = []
  for (let n = 0; n < rules; n++) {
    texts.push(
      `rule r${n} { strings: $a = /x${n}[a-f]{3,40}y.{0,20}z${n}/ condition: $a and for any i in (1..#a) : ( @a[i] > ${n} ) }`,
    )
  }
  return texts.join('\n')
}

function pidOf(pool: WorkerPool): number {
  const worker = pool.statistics().processes.find(({ role }) => role === 'worker')
  assert.ok(worker)
  return worker.pid
}

async function busyWorker(pool: WorkerPool): Promise<void> {
  await eventually('a worker is busy', () =>
    pool.statistics().processes.some(({ role, busy }) => role === 'worker' && busy),
  )
}

/** Waits until the only worker's progress record says that it scans with the ruleset. */
async function scanning(pool: WorkerPool, key: string): Promise<void> {
  await eventually(`a worker scans with ${key}`, () =>
    pool.statistics().processes.some((worker) => worker.at?.stage === 'scan' && worker.at.ruleset === key),
  )
}

function isAlive(pid: number): boolean {
  // A killed child that was not waited for yet still has its folder, as a zombie.
  if (!existsSync(`/proc/${pid}/stat`)) return false
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
