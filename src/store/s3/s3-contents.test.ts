import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { staged } from '../each-contents.fixture.ts'
import { isContentName } from '../files/layout.ts'
import { Scratch } from '../files/scratch.ts'
import { Bucket } from './bucket.ts'
import { LocalCache } from './local-cache.ts'
import { ObjectServer } from './object-server.fixture.ts'
import { S3Contents } from './s3-contents.ts'

const HOUR_MS = 60 * 60 * 1_000

async function fresh(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-s3-'))
  const scratch = await Scratch.open(folder)
  const store = await ObjectServer.start(t)
  const bucket = await Bucket.open({ ...store.settings(), patience: { tryMs: 200 } })
  t.after(async () => {
    bucket.close()
    await scratch.close()
    await rm(folder, { recursive: true })
  })
  const cacheIn = (name: string) =>
    LocalCache.open({
      folder: join(folder, name),
      limit: 1_000_000,
      keptFree: 0,
      isName: isContentName,
      keepsOverBoots: () => false,
    })
  const left: unknown[] = []
  const onLeft = (error: unknown) => left.push(error)
  const contents = new S3Contents({ bucket, cache: await cacheIn('cache'), scratch, onLeft })
  /** On another machine, which has no copies. */
  const elsewhere = new S3Contents({ bucket, cache: await cacheIn('other'), scratch, onLeft })
  const demandOwner = async () => {
    throw new Error('another server has the database')
  }
  const deposed = new S3Contents({ bucket, cache: await cacheIn('deposed'), scratch, onLeft, demandOwner })
  return { store, scratch, contents, elsewhere, deposed, left }
}

const nothing = async () => {}
const keyOf = (sha256: Buffer) => `prefix/contents/${sha256.toString('hex').slice(0, 2)}/${sha256.toString('hex')}`

test('what was just stored is not fetched to be read', async (t) => {
  const { store, scratch, contents, elsewhere } = await fresh(t)
  const file = await staged(scratch, randomBytes(1_000))
  await contents.put([file], nothing)
  const isFetch = (request: string) => request.startsWith('GET')
  ;(await contents.lease([file.sha256])).release()
  assert.equal(store.asked.filter(isFetch).length, 0)
  for (let round = 0; round < 2; round++) (await elsewhere.lease([file.sha256])).release()
  assert.equal(store.asked.filter(isFetch).length, 1)
})

test('a server that another one has replaced deletes nothing from the store', async (t) => {
  const { store, scratch, contents, deposed, left } = await fresh(t)
  const file = await staged(scratch, randomBytes(1_000))
  await contents.put([file], nothing)
  await deposed.delete([file.sha256], async () => [file.sha256])
  assert.ok(store.objects.has(keyOf(file.sha256)))
  assert.match(String(left[0]), /another server has the database/)
  await contents.delete([file.sha256], async () => [file.sha256])
  assert.ok(!store.objects.has(keyOf(file.sha256)))
})

test('a content that was spoilt on the way is fetched once more', async (t) => {
  const { store, scratch, contents, elsewhere } = await fresh(t)
  const bytes = randomBytes(1_000)
  const file = await staged(scratch, bytes)
  await contents.put([file], nothing)
  let spoilt = 0
  store.fail(({ method }) => (method === 'GET' && spoilt++ === 0 ? 'spoil the body' : null))
  const lease = await elsewhere.lease([file.sha256])
  assert.deepEqual(readFileSync(lease.paths[0] ?? ''), bytes)
  lease.release()
  assert.equal(spoilt, 2)
})

test('a content that is damaged in the store can be looked at, and is not kept', async (t) => {
  const { store, scratch, contents, elsewhere } = await fresh(t)
  const file = await staged(scratch, Buffer.from('sound'))
  await contents.put([file], nothing)
  const kept = store.objects.get(keyOf(file.sha256))
  assert.ok(kept)
  kept.bytes = Buffer.from('wrong')
  const lease = await elsewhere.lease([file.sha256])
  const [path = ''] = lease.paths
  assert.equal(readFileSync(path, 'utf8'), 'wrong')
  lease.release()
  assert.ok(!existsSync(path))
  await elsewhere.setAside(file.sha256)
  assert.equal(store.objects.get(`prefix/damaged/${file.sha256.toString('hex')}`)?.bytes.toString(), 'wrong')
  assert.equal(await elsewhere.size(file.sha256), null)
})

test('of many contents those without a row are swept a day after they were stored, and no others', async (t) => {
  const { store, scratch, contents } = await fresh(t)
  // Enough in one part that they take several pages.
  const files: Awaited<ReturnType<typeof staged>>[] = []
  for (let n = 0; files.length < 8; n++) {
    const file = await staged(scratch, Buffer.from(`content ${n}`))
    if (file.sha256[0] === 7) files.push(file)
    else await scratch.discard(file.temporary)
  }
  await contents.put(files, nothing)
  const withRow = files.filter((_, n) => n % 2 === 0).map(({ sha256 }) => sha256)
  const isStored = async (sha256: Uint8Array) => withRow.some((one) => one.equals(sha256))
  const rows = {
    isStored,
    listContents: async (_first: number, after: Uint8Array | null, limit: number) =>
      withRow
        .toSorted(Buffer.compare)
        .filter((one) => after === null || Buffer.compare(one, after) > 0)
        .slice(0, limit)
        .map((sha256, id) => ({ id, sha256, size: 1 })),
  }
  const present = Date.now()
  assert.equal(await contents.sweep(7, rows, present + 23 * HOUR_MS), 0)
  assert.equal(await contents.sweep(8, rows, present + 25 * HOUR_MS), 0)
  assert.equal(await contents.sweep(7, rows, present + 25 * HOUR_MS), 4)
  assert.deepEqual([...store.objects.keys()].sort(), withRow.map(keyOf).sort())
})

test('a content whose row came back while the sweep looked stays', async (t) => {
  const { store, scratch, contents } = await fresh(t)
  const file = await staged(scratch, Buffer.from('comes back'))
  await contents.put([file], nothing)
  const rows = { listContents: async () => [], isStored: async () => true }
  assert.equal(await contents.sweep(file.sha256[0] ?? 0, rows, Date.now() + 48 * HOUR_MS), 0)
  assert.equal(store.objects.size, 1)
})

test('rows that are deleted are deleted, also when their content cannot be', async (t) => {
  const { store, scratch, contents, left } = await fresh(t)
  const file = await staged(scratch, Buffer.from('stays for now'))
  await contents.put([file], nothing)
  store.fail(({ method }) => (method === 'DELETE' ? { status: 503, code: 'SlowDown' } : null))
  await contents.delete([file.sha256], async () => [file.sha256])
  assert.equal(left.length, 1)
  assert.equal((left[0] as { code?: string }).code, 'storage.unavailable')
})

test('nothing is committed when a content could not be stored, and its file is left to the caller', async (t) => {
  const { store, scratch, contents } = await fresh(t)
  const [one, two] = [await staged(scratch, Buffer.from('one')), await staged(scratch, Buffer.from('two'))]
  store.fail(({ path }) => (path === keyOf(two.sha256) ? { status: 403, code: 'QuotaExceeded' } : null))
  await assert.rejects(
    contents.put([one, two], async () => assert.fail('committed')),
    { code: 'storage.full' },
  )
  assert.ok(existsSync(one.temporary) && existsSync(two.temporary))
})

test('a lease that cannot be had holds nothing and says why', async (t) => {
  const { store, scratch, contents, elsewhere } = await fresh(t)
  const files = [await staged(scratch, Buffer.from('one')), await staged(scratch, Buffer.from('two'))]
  await contents.put(files, nothing)
  store.fail(({ method, path }) =>
    method === 'GET' && path === keyOf(files[1]?.sha256 ?? Buffer.of()) ? 'hang up' : null,
  )
  await assert.rejects(elsewhere.lease(files.map(({ sha256 }) => sha256)), { code: 'storage.unavailable' })
  store.fail(() => null)
  const lease = await elsewhere.lease(files.map(({ sha256 }) => sha256))
  assert.deepEqual(
    lease.paths.map((path) => readFileSync(path, 'utf8')),
    ['one', 'two'],
  )
  lease.release()
})
