import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { type Disk, realDisk } from './disk.ts'
import { asStorageFailure, FileBlobs } from './index.ts'

async function freshFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-blobs-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function written(blobs: FileBlobs, bytes: Uint8Array) {
  const temporary = blobs.temporary()
  await writeFile(temporary, bytes)
  return { temporary, sha256: createHash('sha256').update(bytes).digest(), synced: false }
}

test('an adopted file is readable under its digest, whole and in part, and leaves nothing in incoming', async (t) => {
  const folder = await freshFolder(t)
  const { blobs } = await FileBlobs.open(folder)
  const bytes = randomBytes(100_000)
  const file = await written(blobs, bytes)
  await blobs.commit([file])

  const whole = await blobs.open(file.sha256)
  assert.equal(whole.size, bytes.length)
  assert.deepEqual(await buffer(whole.stream), bytes)
  const part = await blobs.open(file.sha256, { start: 10, end: 19 })
  assert.equal(part.size, bytes.length)
  assert.deepEqual(await buffer(part.stream), bytes.subarray(10, 20))
  assert.deepEqual(await readFile(blobs.path(file.sha256)), bytes)
  assert.deepEqual(await readdir(join(folder, 'incoming')), [])
})

/** The real disk, which also tells what it was asked; `syncAll` then answers as given. */
function watchedDisk(canSyncAll: boolean): { readonly disk: Disk; readonly asked: string[] } {
  const asked: string[] = []
  const disk: Disk = {
    async sync(path) {
      await realDisk.sync(path)
      asked.push(path)
    },
    async syncAll(path) {
      asked.push(`all of ${path}`)
      return canSyncAll
    },
  }
  return { disk, asked }
}

/** Adopts so many contents in one go: gives what was asked of the disk for it, and which files and folders there are. */
async function adopting(t: TestContext, count: number, canSyncAll: boolean) {
  const folder = await freshFolder(t)
  const { disk, asked } = watchedDisk(canSyncAll)
  const { blobs } = await FileBlobs.open(folder, disk)
  const files = await Promise.all(Array.from({ length: count }, (_, i) => written(blobs, Buffer.from(`content ${i}`))))
  asked.splice(0)
  await blobs.commit(files)
  const contents = files.map(({ sha256 }) => blobs.path(sha256))
  const folders = new Set(contents.map((path) => dirname(path)))
  return { asked, folder, temporaries: files.map(({ temporary }) => temporary), contents, folders: [...folders] }
}

test('a few contents are synced one by one before they get their names, and the names after them', async (t) => {
  const { asked, temporaries, folders } = await adopting(t, 5, true)
  assert.deepEqual(asked.slice(0, 5).toSorted(), temporaries.toSorted())
  assert.deepEqual(asked.slice(5).toSorted(), folders.toSorted())
})

test('many contents are made durable with their names by one sync of the file system', async (t) => {
  const { asked, folder } = await adopting(t, 100, true)
  assert.deepEqual(asked, [`all of ${join(folder, 'blobs')}`])
})

test('where the file system cannot be synced as a whole, each of many contents is, and their folders', async (t) => {
  const { asked, contents, folders } = await adopting(t, 100, false)
  assert.deepEqual(asked.slice(1, 101).toSorted(), contents.toSorted())
  assert.deepEqual(asked.slice(101).toSorted(), folders.toSorted())
})

test('many files are adopted at once, and the same content twice is one file', async (t) => {
  const { blobs } = await FileBlobs.open(await freshFolder(t))
  const files = await Promise.all(Array.from({ length: 300 }, (_, i) => written(blobs, Buffer.from(`${i % 299}`))))
  await blobs.commit(files)
  for (const { sha256 } of files) assert.equal(await blobs.has(sha256), true)
})

test('a content that is not there is a sample that is gone', async (t) => {
  const { blobs } = await FileBlobs.open(await freshFolder(t))
  const sha256 = randomBytes(32)
  assert.equal(await blobs.has(sha256), false)
  await assert.rejects(blobs.open(sha256), { code: 'sample.gone' })
  await blobs.remove(sha256)
})

test('opening reports and removes what an earlier process left in incoming, files and folders', async (t) => {
  const folder = await freshFolder(t)
  const first = await FileBlobs.open(folder)
  assert.deepEqual(first.leftovers, { files: 0, bytes: 0 })
  await writeFile(first.blobs.temporary(), 'cut short')
  await writeFile(first.blobs.temporary(), 'too')

  const second = await FileBlobs.open(folder)
  assert.deepEqual(second.leftovers, { files: 2, bytes: 12 })
  assert.deepEqual(await readdir(join(folder, 'incoming')), [])
})

test('contents left in doubt are removed at the next start unless a sample has them', async (t) => {
  const folder = await freshFolder(t)
  const { blobs } = await FileBlobs.open(folder)
  const [orphan, kept, settled] = await Promise.all(['a', 'b', 'c'].map((text) => written(blobs, Buffer.from(text))))
  assert.ok(orphan && kept && settled)
  await blobs.recordIntent([orphan.sha256, kept.sha256, randomBytes(32)])
  const release = await blobs.recordIntent([settled.sha256])
  await blobs.commit([orphan, kept, settled])
  await release()

  const { blobs: reopened } = await FileBlobs.open(folder)
  assert.equal(await reopened.recover(async (sha256) => Buffer.compare(sha256, kept.sha256) === 0), 1)
  assert.deepEqual(await Promise.all([orphan, kept, settled].map(({ sha256 }) => reopened.has(sha256))), [
    false,
    true,
    true,
  ])
  assert.equal(await reopened.recover(async () => false), 0, 'settled doubts are forgotten')
})

test('a full disk is a failure that the sender is told, other errors stay what they are', async (t) => {
  const full = await appendFile('/dev/full', 'x').catch((error) => error)
  assert.equal(full.code, 'ENOSPC')
  const failure = asStorageFailure(full)
  assert.equal((failure as { code?: string }).code, 'storage.full')
  const other = new Error('other')
  assert.equal(asStorageFailure(other), other)

  const { blobs } = await FileBlobs.open(await freshFolder(t))
  const missing = { temporary: blobs.temporary(), sha256: randomBytes(32), synced: true }
  await assert.rejects(blobs.commit([missing]), { code: 'ENOENT' })
  assert.equal(await blobs.has(missing.sha256), false)
})

test('work that is done in turns never overlaps, also after a failure', async (t) => {
  const { blobs } = await FileBlobs.open(await freshFolder(t))
  let inside = 0
  const work = async (fail: boolean) => {
    assert.equal(++inside, 1)
    await new Promise(setImmediate)
    inside--
    if (fail) throw new Error('failed in its turn')
    return 'done'
  }
  const results = await Promise.allSettled([false, true, false].map((fail) => blobs.withLock(() => work(fail))))
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})
