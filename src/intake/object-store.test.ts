/** Samples arrive, are indexed, merged and deleted where contents and segments are objects, and only copies are here. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { SegmentReader } from '../index/index.ts'
import { ObjectServer } from '../store/s3/object-server.fixture.ts'
import { type Collection, openCollection } from './collection.fixture.ts'

let store: ObjectServer
let folder: string
let c: Collection
const ends: (() => unknown)[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backtrail-objects-'))
  store = await ObjectServer.start({ after: (end) => ends.push(end) })
  c = await open()
})
after(async () => {
  await c.close()
  for (const end of ends) end()
  await rm(folder, { recursive: true })
})

async function open(): Promise<Collection> {
  const opened = await openCollection(folder, { objects: { ...store.settings(), patience: { tryMs: 2_000 } } })
  await opened.segments.start()
  await opened.intake.start()
  return opened
}

async function fill(count: number): Promise<string[]> {
  const hashes: string[] = []
  // Some at a time, so that they come in several segments.
  while (hashes.length < count) {
    const some = Array.from({ length: Math.min(10, count - hashes.length) }, () =>
      c.intake.receive(Readable.from([randomBytes(2_000)]), { filename: 'x', userId: null }),
    )
    for (const { sha256 } of await Promise.all(some)) hashes.push(sha256)
    await c.intake.idle()
  }
  await c.segments.settled()
  return hashes
}

const objectsOf = (kind: string) => [...store.objects.keys()].filter((key) => key.startsWith(`prefix/${kind}/`))

/** The ids that the live segments hold, read from copies on this machine. */
async function indexed(): Promise<number[]> {
  const { segments, unindexed, release } = await c.segments.snapshot()
  try {
    assert.equal(unindexed.length, 0)
    const paths = segments.map(({ path }) => path)
    const ids = await c.files.whileLocal(paths, async () =>
      paths.flatMap((path) => {
        const reader = SegmentReader.open(path)
        const found = reader.groups.flatMap((group) => [...group.ids])
        reader.close()
        return found
      }),
    )
    return ids.sort((a, b) => a - b)
  } finally {
    release()
  }
}

test('what arrives is stored and indexed in the object store, and segments are merged there', async () => {
  await fill(120)
  assert.equal(objectsOf('contents').length, 120)
  assert.equal((await indexed()).length, 120)
  const { segments } = await c.segments.stats()
  assert.ok(segments < 12, `${segments} segments of 12 commits`)
  assert.ok(objectsOf('segments').length >= segments)
  assert.deepEqual(c.log.errors, [])
})

test('without any copies the same is found, by another process of the program', async () => {
  const before = await indexed()
  await c.close()
  rmSync(join(folder, 'cache'), { recursive: true })
  c = await open()
  assert.deepEqual(await indexed(), before)
  const report = await c.segments.check()
  assert.deepEqual(report.problems, [])
  assert.equal(report.samples, before.length)
})

test('a damaged copy of a segment is fetched anew, and one that the store has lost is made anew', async () => {
  const before = await indexed()
  const snapshot = await c.segments.snapshot()
  const [one] = snapshot.segments
  snapshot.release()
  assert.ok(one)
  writeFileSync(one.path, randomBytes(one.bytes))
  assert.equal((await c.segments.check({ each: 0 })).problems.length, 1)
  await c.segments.settled()
  assert.equal((await c.segments.stats()).damaged, 0)
  assert.ok((await c.segments.snapshot()).segments.some(({ id }) => id === one.id))
  assert.deepEqual(await indexed(), before)

  store.objects.delete(`prefix/segments/${basename(one.path)}`)
  rmSync(one.path)
  assert.ok((await c.segments.check({ each: 0 })).problems.length >= 1)
  await c.segments.settled()
  assert.deepEqual(await indexed(), before)
  assert.ok(!(await c.segments.snapshot()).segments.some(({ id }) => id === one.id))
})

test('samples that are deleted leave no object, and no copy', async () => {
  const [gone = ''] = await fill(10)
  await c.samples.delete([gone])
  assert.ok(!objectsOf('contents').some((key) => key.endsWith(gone)))
  assert.ok(!readdirSync(join(folder, 'cache', gone.slice(0, 2))).includes(gone))
})

test('an upload of many parts keeps no other waiting', { timeout: 60_000 }, async () => {
  const bytes = randomBytes(17 * 1024 ** 2)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const isSent = Promise.withResolvers<void>()
  const mayEnd = Promise.withResolvers<void>()
  store.fail(async ({ method, path }) => {
    if (method !== 'PUT' || !path.endsWith(sha256)) return null
    isSent.resolve()
    await mayEnd.promise
    return null
  })
  const large = c.intake.receive(Readable.from([bytes]), { filename: 'large', userId: null })
  await isSent.promise
  await c.intake.receive(Readable.from([randomBytes(2_000)]), { filename: 'small', userId: null })
  mayEnd.resolve()
  assert.equal((await large).sha256, sha256)
  assert.equal(
    store.asked.filter((asked) => asked.startsWith('PUT') && asked.includes(sha256)).length,
    2,
    'it is sent once',
  )
  await c.intake.idle()
  await c.segments.settled()
})

test('while the store does not answer uploads are refused, and what was acknowledged is processed when it is back', async () => {
  const count = async () => (await indexed()).length
  const before = await count()
  store.fail(({ path }) => (path.startsWith('prefix/contents/') ? { status: 503, code: 'SlowDown' } : null))
  const refused = c.intake.receive(Readable.from([randomBytes(2_000)]), { filename: 'x', userId: null })
  await assert.rejects(refused, { code: 'storage.unavailable' })
  // Of these the contents are stored, and the segment cannot be for a while.
  let failures = 0
  store.fail(({ method, path }) =>
    method === 'PUT' && path.startsWith('prefix/segments/') && failures++ < 3
      ? { status: 503, code: 'SlowDown' }
      : null,
  )
  await c.intake.receive(Readable.from([randomBytes(2_000)]), { filename: 'x', userId: null })
  await c.intake.idle()
  await c.segments.settled()
  assert.equal(await count(), before + 1)
  assert.ok(failures > 1)
})
