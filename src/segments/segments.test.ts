import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { SegmentReader } from '../index/index.ts'
import { type Collection, freshCollection } from '../intake/collection.fixture.ts'
import { WorkerLost } from '../scanning/index.ts'
import { contentFile } from '../store/index.ts'
import { SegmentThread } from './segment-thread.ts'

/** Small samples, `together` at a time, so that every commit makes a segment. */
async function fill(c: Collection, count: number, together = 10): Promise<string[]> {
  const hashes: string[] = []
  while (hashes.length < count) {
    const batch = Array.from({ length: Math.min(together, count - hashes.length) }, () =>
      c.intake.receive(Readable.from([randomBytes(2_000)]), { filename: 'x', userId: null }),
    )
    for (const { sha256 } of await Promise.all(batch)) hashes.push(sha256)
    await c.intake.idle()
  }
  return hashes
}

function idsIn(path: string): number[] {
  const reader = SegmentReader.open(path)
  try {
    return reader.groups.flatMap((group) => [...group.ids])
  } finally {
    reader.close()
  }
}

/** What a hunt relies on: every processed sample is in exactly one live segment, or plainly listed. */
async function assertCovered(c: Collection): Promise<void> {
  await c.segments.settled()
  const snapshot = await c.segments.snapshot()
  const seen = [...snapshot.unindexed]
  for (const { path, firstId, lastId, samples } of snapshot.segments) {
    const ids = idsIn(path)
    assert.equal(ids.length, samples)
    assert.ok(ids.every((id) => id >= firstId && id <= lastId))
    seen.push(...ids)
  }
  snapshot.release()
  const rows = await c.database.selectFrom('samples').select('id').where('state', '=', 'processed').execute()
  const present = new Set(rows.map(({ id }) => id))
  const covered = seen.filter((id) => present.has(id)).sort((a, b) => a - b)
  assert.deepEqual(
    covered,
    [...present].sort((a, b) => a - b),
  )
}

const segmentFiles = (c: Collection) => readdirSync(join(c.folder, 'index'))

test('segments of single commits are merged, and files stay readable until the snapshot is released', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 50)
  await c.segments.settled()
  const before = await c.segments.snapshot()
  const covered = before.segments.map(({ path }) => idsIn(path))
  assert.ok(before.segments.length >= 5)
  await fill(c, 40)
  await assertCovered(c)

  const after = await c.segments.snapshot()
  after.release()
  assert.ok(after.segments.some(({ samples }) => samples >= 64))
  assert.ok(after.generation > before.generation)
  // What a hunt that began before the merges asks: each of its samples once, and no other.
  assert.deepEqual(
    before.segments.map(({ path }) => idsIn(path)),
    covered,
  )
  assert.deepEqual(
    [...covered.flat(), ...before.unindexed].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n + 1),
  )
  before.release()
  before.release()
  const gone = before.segments.filter(({ id }) => !after.segments.some((segment) => segment.id === id))
  assert.ok(gone.length > 0)
  // Files are removed by and by, those of segments that came and went in between too.
  for (let left = 1_000; left > 0 && segmentFiles(c).length > after.segments.length; left--) await delay(10)
  assert.equal(segmentFiles(c).length, after.segments.length)
  assert.ok(!gone.some(({ path }) => existsSync(path)))
})

test('the signatures of a file are read to its end, or their reading fails', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 20, 20)
  const [file = ''] = segmentFiles(c)
  const thread = new SegmentThread()
  t.after(() => thread.stop())
  const read = async (andThen = async () => {}) => {
    let count = 0
    for await (const some of thread.recordsOf(join(c.folder, 'index', file), 1, 8)) {
      if (count === 0) await andThen()
      count += some.length
    }
    return count
  }
  assert.equal(await read(), 20)
  await assert.rejects(
    read(() => thread.stop()),
    /has ended/,
  )
})

test('a segment that is not needed goes once that can be stored', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 10)
  const [file = ''] = segmentFiles(c)
  const reader = SegmentReader.open(join(c.folder, 'index', file))
  t.after(() => reader.close())
  const prepared = await c.segments.write([...reader.records()])
  await sql`CREATE TRIGGER full BEFORE UPDATE ON segments BEGIN SELECT RAISE(ABORT, 'no room'); END`.execute(c.database)
  await c.segments.discard(prepared)
  await sql`DROP TRIGGER full`.execute(c.database)
  assert.ok(existsSync(prepared.path))
  await c.segments.sweep()
  assert.ok(!existsSync(prepared.path))
})

test('a damaged segment is found by its checksums, told in the journal, and made anew', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 20, 20)
  await c.segments.settled()
  assert.deepEqual((await c.segments.check()).problems, [])
  const [file = ''] = segmentFiles(c)
  const path = join(c.folder, 'index', file)
  const bytes = readFileSync(path)
  bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
  writeFileSync(path, bytes)

  const report = await c.segments.check()
  assert.equal(report.problems.length, 1)
  await assertCovered(c)
  const { segments, unindexed, damaged } = await c.segments.stats()
  assert.equal(unindexed.samples, 0)
  assert.ok(segments >= 1)
  assert.equal(damaged, 0)
  assert.ok(!segmentFiles(c).includes(file))
  const journal = await c.database.selectFrom('journal').select(['kind', 'message']).execute()
  assert.deepEqual(
    journal.map(({ kind }) => kind),
    ['segment-damaged'],
  )
  assert.deepEqual((await c.segments.check()).problems, [])
})

test('a signature that is not that of its sample is found', async (t) => {
  const c = await freshCollection(t)
  const [hash = ''] = await fill(c, 3, 3)
  await writeFile(join(c.folder, contentFile(hash)), randomBytes(2_000))
  const { problems } = await c.segments.check()
  assert.equal(problems.length, 1)
  assert.match(problems[0]?.message ?? '', /not that of its content/)
})

test('until a reported segment is made anew, its samples are unindexed', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 5, 5)
  const { segments, release } = await c.segments.snapshot()
  release()
  await c.segments.stop()
  for (const { id } of segments) await c.segments.reportDamage(id, 'a reader says so')
  const snapshot = await c.segments.snapshot()
  snapshot.release()
  assert.equal(snapshot.segments.length, 0)
  assert.equal(snapshot.unindexed.length, 5)
  await c.segments.reportDamage(segments[0]?.id ?? 0, 'once more')
  assert.equal((await c.database.selectFrom('journal').selectAll().execute()).length, segments.length)
})

test('start removes files that no row names, and makes anew what is missing or cut off', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 30)
  await c.segments.settled()
  const [missing = '', cut = ''] = segmentFiles(c)
  await unlink(join(c.folder, 'index', missing))
  const whole = readFileSync(join(c.folder, 'index', cut))
  // However many samples its commit had.
  writeFileSync(join(c.folder, 'index', cut), whole.subarray(0, whole.length / 2))
  writeFileSync(join(c.folder, 'index', 'stranger.segment'), 'left by a merge that was cut short')
  assert.deepEqual(await c.segments.start(), { removedFiles: 1, damaged: 2 })
  await assertCovered(c)
  assert.equal((await c.segments.stats()).unindexed.samples, 0)
  assert.ok(!segmentFiles(c).includes('stranger.segment'))
})

test('what a neighbour is writing stays until it is gone', async (t) => {
  const c = await freshCollection(t)
  const script = join(import.meta.dirname, '../store/files/scratch.fixture.ts')
  const child = spawn(process.execPath, [script, c.folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
  const records = readdirSync(join(c.folder, 'scratch')).filter((name) => name.endsWith('.db'))
  const neighbour = records.map((name) => name.slice(0, -'.db'.length)).find((id) => id !== c.scratch.id)
  const file = `${neighbour}.its-own.segment`
  for (const name of [file, `${file}.writing`]) writeFileSync(join(c.folder, 'index', name), 'not published yet')
  // It was killed between staging a segment and publishing it.
  const { segments } = c.store
  await segments.keepReader(neighbour ?? '', 0)
  await segments.stage({ file, process: neighbour ?? '', at: 1 })
  assert.equal((await c.segments.start()).removedFiles, 0)
  assert.ok(segmentFiles(c).includes(file))
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.equal((await c.segments.start()).removedFiles, 2)
  assert.ok(!segmentFiles(c).includes(file))
  assert.deepEqual(await segments.listFiles(), [])
  assert.deepEqual(
    (await segments.listReaders()).map(({ process }) => process),
    [c.scratch.id],
  )
})

test('of a merge that is stopped neither a file nor a row is left', async (t) => {
  const c = await freshCollection(t)
  const run = c.pool.run.bind(c.pool) as (...task: unknown[]) => Promise<unknown>
  let stopped: Promise<void> | null = null
  t.mock.method(c.pool, 'run', (...task: unknown[]) => {
    if (task[0] === 'merge') stopped ??= c.segments.stop()
    return run(...task)
  })
  await fill(c, 90)
  await c.segments.settled()
  assert.ok(stopped !== null, 'nothing was merged')
  await stopped
  const rows = await c.database.selectFrom('segments').select(['file', 'state']).orderBy('file').execute()
  assert.deepEqual(
    rows.map(({ file, state }) => `${state} ${file}`),
    segmentFiles(c)
      .sort()
      .map((file) => `live ${file}`),
  )
})

test('a segment with many deleted samples is rewritten without them, one with none left disappears', async (t) => {
  const c = await freshCollection(t)
  const hashes = await fill(c, 20, 20)
  await c.segments.settled()
  const before = (await c.segments.stats()).indexBytes
  await c.samples.delete(hashes.slice(0, 10))
  await assertCovered(c)
  const half = await c.segments.stats()
  assert.equal(half.samples, 10)
  assert.ok(half.indexBytes < before)
  const { segments, release } = await c.segments.snapshot()
  release()
  assert.equal(
    segments.reduce((sum, { samples }) => sum + samples, 0),
    10,
  )
  await c.samples.delete(hashes)
  await assertCovered(c)
  assert.equal((await c.segments.stats()).segments, 0)
  assert.deepEqual(segmentFiles(c), [])
})

test('build indexes what no segment holds, goes on after being stopped, and counts what it cannot read', async (t) => {
  const c = await freshCollection(t)
  const [unreadable = ''] = await fill(c, 12, 12)
  await c.segments.stop()
  await c.database.deleteFrom('segments').execute()
  await c.database.updateTable('samples').set({ segment_id: null }).execute()
  await unlink(join(c.folder, contentFile(unreadable)))
  const stop = new AbortController()
  const seen: number[] = []
  await c.segments.build({
    signal: stop.signal,
    onProgress: ({ done }) => seen.push(done) && done >= 4 && stop.abort(),
  })
  const first = (await c.segments.stats()).samples
  assert.ok(first > 0 && first < 12, `${first} of 12`)
  const result = await c.segments.build()
  assert.deepEqual(result, { indexed: 11 - first, failed: 1 })
  const { samples, unindexed, fill: meanFill } = await c.segments.stats()
  assert.deepEqual([samples, unindexed.samples], [11, 1])
  assert.ok(meanFill !== null && meanFill > 0.05 && meanFill < 0.9)
})

test('a content that ends every worker keeps no other from being indexed', async (t) => {
  const c = await freshCollection(t)
  await fill(c, 3, 3)
  await c.segments.stop()
  await c.database.deleteFrom('segments').execute()
  await c.database.updateTable('samples').set({ segment_id: null }).execute()
  const run = c.pool.run.bind(c.pool)
  let signed = 0
  t.mock.method(c.pool, 'run', (...[kind, ...rest]: Parameters<typeof run>) =>
    kind === 'sign' && ++signed === 1 ? Promise.reject(new WorkerLost('out of memory')) : run(kind, ...rest),
  )
  assert.deepEqual(await c.segments.build(), { indexed: 2, failed: 1 })
})
