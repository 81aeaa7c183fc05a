import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Bucket, LocalCache } from '../store/index.ts'
import { ObjectServer } from '../store/s3/object-server.fixture.ts'
import { isSegmentName, StoredSegmentFiles } from './stored-segment-files.ts'

const HOUR_MS = 60 * 60 * 1_000

/** Two machines of one store may be asked for; each has its cache. */
async function freshStore(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-segments-'))
  t.after(() => rm(folder, { recursive: true }))
  const store = await ObjectServer.start(t)
  const clock = { now: Date.now() }
  const machine = async (name: string) => {
    const bucket = await Bucket.open(store.settings())
    t.after(() => bucket.close())
    const cache = await LocalCache.open({
      folder: join(folder, name),
      limit: 1_000,
      isName: isSegmentName,
      keepsOverBoots: isSegmentName,
    })
    return new StoredSegmentFiles({ bucket, cache, scratch: { id: 'ab12' }, clock: () => clock.now })
  }
  return { store, clock, machine }
}

async function written(files: StoredSegmentFiles, content: string): Promise<string> {
  const path = files.freshPath()
  writeFileSync(path, content)
  await files.store(path)
  return path
}

test('a segment that one machine has written is read on another', async (t) => {
  const { machine } = await freshStore(t)
  const [one, two] = [await machine('one'), await machine('two')]
  const file = basename(await written(one, 'segment'))
  assert.ok(isSegmentName(file))
  const there = two.pathOf(file)
  assert.ok(!existsSync(there))
  assert.equal(await two.whileLocal([there], async () => readFileSync(there, 'utf8')), 'segment')
  assert.deepEqual([...(await two.sizes())], [[file, 7]])
})

test('a segment that was never named stays for a day, and one that is named for ever', async (t) => {
  const { store, clock, machine } = await freshStore(t)
  const files = await machine('one')
  const [named, other] = [await written(files, 'named'), await written(files, 'other')]
  const rows = async () => new Set([basename(named)])
  clock.now += 23 * HOUR_MS
  assert.equal(await files.sweep(rows), 0)
  clock.now += 2 * HOUR_MS
  assert.equal(await files.sweep(rows), 1)
  assert.deepEqual([...store.objects.keys()], [`prefix/segments/${basename(named)}`])
  assert.ok(!existsSync(other))
})

test('what is removed is removed here and there, but for whoever is reading the copy', async (t) => {
  const { store, machine } = await freshStore(t)
  const files = await machine('one')
  const [read, free] = [await written(files, 'read'), await written(files, 'free')]
  await files.whileLocal([read], async () => {
    for (const path of [read, free]) await files.remove(path)
    assert.equal(store.objects.size, 0)
    assert.ok(!existsSync(free))
    assert.equal(readFileSync(read, 'utf8'), 'read')
  })
  await files.remove(free)
})

test('what was written and is discarded before it was stored leaves nothing', async (t) => {
  const { store, machine } = await freshStore(t)
  const files = await machine('one')
  const path = files.freshPath()
  await files.discard(path)
  const other = files.freshPath()
  writeFileSync(other, 'x')
  await files.discard(other)
  assert.ok(!existsSync(other))
  assert.equal(store.objects.size, 0)
})

test('what cannot be removed now hides nothing from whoever discards it', async (t) => {
  const files = await (await freshStore(t)).machine('one')
  const path = files.freshPath()
  // Nothing removes a folder that has something in it as if it were a file.
  mkdirSync(join(path, 'in the way'), { recursive: true })
  await files.discard(path)
  assert.ok(existsSync(path))
})

test('a damaged copy is fetched anew, and a damaged object is none that could be restored from', async (t) => {
  const { store, machine } = await freshStore(t)
  const files = await machine('one')
  const path = await written(files, 'sound')
  const isSound = (copy: string) => existsSync(copy) && readFileSync(copy, 'utf8') === 'sound'
  writeFileSync(path, 'wrong')
  assert.equal(await files.restore(path, isSound), true)
  assert.equal(readFileSync(path, 'utf8'), 'sound')
  const object = store.objects.get(`prefix/segments/${basename(path)}`)
  if (object) object.bytes = Buffer.from('wrong')
  assert.equal(await files.restore(path, isSound), false)
  store.objects.clear()
  assert.equal(await files.restore(path, isSound), false)
})
