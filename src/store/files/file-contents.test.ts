import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Disk, realDisk } from './disk.ts'
import { asStorageFailure, FileContents, Scratch } from './index.ts'

async function freshStore(t: TestContext, disk: Disk = realDisk) {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-contents-'))
  const scratch = await Scratch.open(folder)
  t.after(async () => {
    await scratch.close()
    await rm(folder, { recursive: true })
  })
  return { folder, scratch, contents: await FileContents.open(folder, scratch, disk) }
}

async function written(scratch: Scratch, bytes: Uint8Array) {
  const temporary = scratch.fresh()
  await writeFile(temporary, bytes)
  return { temporary, sha256: createHash('sha256').update(bytes).digest(), synced: false }
}

const nothing = async () => {}

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

/** Stores so many contents in one go: gives what was asked of the disk for it, and which files and folders there are. */
async function storing(t: TestContext, count: number, canSyncAll: boolean) {
  const { disk, asked } = watchedDisk(canSyncAll)
  const { folder, scratch, contents } = await freshStore(t, disk)
  const files = await Promise.all(
    Array.from({ length: count }, (_, i) => written(scratch, Buffer.from(`content ${i}`))),
  )
  asked.splice(0)
  await contents.put(files, nothing)
  const { paths } = await contents.lease(files.map(({ sha256 }) => sha256))
  const folders = new Set(paths.map((path) => dirname(path)))
  return { asked, folder, temporaries: files.map(({ temporary }) => temporary), contents: paths, folders: [...folders] }
}

test('a few contents are synced one by one before they get their names, and the names after them', async (t) => {
  const { asked, temporaries, folders } = await storing(t, 5, true)
  assert.deepEqual(asked.slice(0, 5).toSorted(), temporaries.toSorted())
  assert.deepEqual(asked.slice(5).toSorted(), folders.toSorted())
})

test('many contents are made durable with their names by one sync of the file system', async (t) => {
  const { asked, folder } = await storing(t, 100, true)
  assert.deepEqual(asked, [`all of ${join(folder, 'blobs')}`])
})

test('where the file system cannot be synced as a whole, each of many contents is, and their folders', async (t) => {
  const { asked, contents, folders } = await storing(t, 100, false)
  assert.deepEqual(asked.slice(1, 101).toSorted(), contents.toSorted())
  assert.deepEqual(asked.slice(101).toSorted(), folders.toSorted())
})

test('many files are stored at once, and the same content twice is one file', async (t) => {
  const { contents, scratch } = await freshStore(t)
  const files = await Promise.all(Array.from({ length: 300 }, (_, i) => written(scratch, Buffer.from(`${i % 299}`))))
  await contents.put(files, nothing)
  for (const [i, { sha256 }] of files.entries()) assert.equal(await contents.size(sha256), `${i % 299}`.length)
  const listed = await Promise.all(Array.from({ length: 256 }, (_, first) => contents.list(first)))
  const digests = new Set(files.map(({ sha256 }) => sha256.toString('hex')))
  assert.deepEqual(listed.flat(), [...digests].sort())
})

test('contents whose rows cannot be committed are deleted again, and those whose rows stay are not', async (t) => {
  const { contents, scratch } = await freshStore(t)
  const [kept, failed] = await Promise.all(['a', 'b'].map((text) => written(scratch, Buffer.from(text))))
  assert.ok(kept && failed)
  await contents.put([kept], nothing)
  const fail = async () => assert.fail('no rows')
  await assert.rejects(contents.put([failed], fail), /no rows/)
  await assert.rejects(contents.delete([kept.sha256], fail), /no rows/)
  await contents.delete([kept.sha256, failed.sha256], async () => [])
  assert.deepEqual([await contents.size(kept.sha256), await contents.size(failed.sha256)], [1, null])
})

test('a full disk is a failure that the sender is told, other errors stay what they are', async (t) => {
  const full = await appendFile('/dev/full', 'x').catch((error) => error)
  assert.equal(full.code, 'ENOSPC')
  const failure = asStorageFailure(full)
  assert.equal((failure as { code?: string }).code, 'storage.full')
  const other = new Error('other')
  assert.equal(asStorageFailure(other), other)

  const { contents, scratch } = await freshStore(t)
  const missing = { temporary: scratch.fresh(), sha256: randomBytes(32), synced: true }
  await assert.rejects(contents.put([missing], nothing), { code: 'ENOENT' })
  assert.equal(await contents.size(missing.sha256), null)
})
