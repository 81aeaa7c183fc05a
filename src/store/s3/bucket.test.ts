import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Bucket } from './bucket.ts'
import { ObjectServer } from './object-server.fixture.ts'

async function fresh(t: TestContext, change: Partial<ReturnType<ObjectServer['settings']>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-bucket-'))
  t.after(() => rm(folder, { recursive: true }))
  const store = await ObjectServer.start(t)
  const bucket = await Bucket.open({ ...store.settings(), ...change })
  t.after(() => bucket.close())
  const file = async (bytes: Uint8Array) => {
    const path = join(folder, createHash('sha256').update(bytes).digest('hex'))
    await writeFile(path, bytes)
    return { path, sha256: createHash('sha256').update(bytes).digest() }
  }
  return { folder, store, bucket, file }
}

/** Says so for the first requests of a kind. */
function first<T>(times: number, answer: T, method: string) {
  let left = times
  return (request: { readonly method: string }): T | null => (request.method === method && left-- > 0 ? answer : null)
}

test('what is written comes back, with its digest, whole and in part, and listed page by page', async (t) => {
  const { bucket, file, folder } = await fresh(t)
  const bytes = randomBytes(10_000)
  const { path, sha256 } = await file(bytes)
  for (const name of ['a/1', 'a/2', 'a/3', 'a/4', 'b/1']) await bucket.putFile(name, path, sha256)
  const found = await bucket.download('a/1', join(folder, 'copy'))
  assert.deepEqual(found, { size: 10_000, sha256: sha256.toString('hex'), declared: sha256.toString('hex') })
  assert.deepEqual(await readFile(join(folder, 'copy')), bytes)
  const listed: string[] = []
  for await (const page of bucket.list('a/')) listed.push(...page.map(({ key, size }) => `${key} ${size}`))
  assert.deepEqual(listed, ['a/1 10000', 'a/2 10000', 'a/3 10000', 'a/4 10000'])
  await bucket.delete('a/1')
  assert.equal(await bucket.head('a/1'), null)
  assert.equal(await bucket.download('a/1', join(folder, 'none')), null)
  await bucket.delete('a/1')
})

test('a file that is larger than a part is written in parts, in their order, and is one object', async (t) => {
  const { bucket, file, store } = await fresh(t)
  const bytes = randomBytes(40 * 1024 * 1024 + 7)
  const { path, sha256 } = await file(bytes)
  await bucket.putFile('large', path, sha256)
  const kept = store.objects.get('prefix/large')
  assert.equal(
    createHash('sha256')
      .update(kept?.bytes ?? '')
      .digest('hex'),
    sha256.toString('hex'),
  )
  assert.equal(store.asked.filter((request) => request.startsWith('PUT prefix/large of ')).length, 3)
  store.asked.splice(0)
  await bucket.putFile('large', path, sha256)
  assert.deepEqual(store.asked, ['HEAD prefix/large'])
})

for (const answer of [{ status: 503, code: 'SlowDown' }, { status: 500, code: 'InternalError' }, 'hang up'] as const) {
  test(`a request is made again after ${typeof answer === 'string' ? 'a connection that is lost' : answer.code}`, async (t) => {
    const { bucket, file, store } = await fresh(t)
    const { path, sha256 } = await file(randomBytes(100))
    store.fail(first(3, answer, 'PUT'))
    await bucket.putFile('one', path, sha256)
    assert.equal(store.asked.filter((request) => request === 'PUT prefix/one').length, 4)
    assert.equal((await bucket.head('one'))?.size, 100)
  })
}

test('a write whose answer was lost is done again, and finds that it is done', async (t) => {
  const { bucket, file, store } = await fresh(t)
  const { path, sha256 } = await file(randomBytes(100))
  store.fail(first(1, 'lose the answer', 'PUT'))
  await bucket.putFile('one', path, sha256)
  assert.deepEqual(store.asked, ['PUT prefix/one', 'PUT prefix/one', 'HEAD prefix/one'])
})

test('the end of an upload in parts whose answer was lost is found to be there', async (t) => {
  const { bucket, file, store } = await fresh(t)
  const { path, sha256 } = await file(randomBytes(17 * 1024 * 1024))
  let posts = 0
  store.fail(({ method }) => (method === 'POST' && ++posts === 2 ? 'lose the answer' : null))
  await bucket.putFile('large', path, sha256)
  assert.equal(store.objects.get('prefix/large')?.bytes.length, 17 * 1024 * 1024)
  assert.equal(store.unfinished, 0)
})

test('an object of other bytes under the name is replaced, and one of the same stays', async (t) => {
  const { bucket, file, store } = await fresh(t)
  const { path, sha256 } = await file(Buffer.from('right'))
  await bucket.create('one', Buffer.from('wrong'))
  assert.equal(await bucket.create('one', Buffer.from('again')), false)
  await bucket.putFile('one', path, sha256)
  assert.equal(store.objects.get('prefix/one')?.bytes.toString(), 'right')
})

test('a store that does not know the condition gets the object without it', async (t) => {
  const { bucket, file, store } = await fresh(t)
  const { path, sha256 } = await file(Buffer.from('bytes'))
  store.fail(first(1, { status: 501, code: 'NotImplemented' }, 'PUT'))
  await bucket.putFile('one', path, sha256)
  assert.equal(store.objects.get('prefix/one')?.bytes.toString(), 'bytes')
})

for (const when of ['at first', 'as is known by then']) {
  test(`in a store that does not know the condition, ${when}, nothing is created over what is there`, async (t) => {
    const { bucket, file, store } = await fresh(t)
    const { path, sha256 } = await file(Buffer.from('bytes'))
    await bucket.putFile('one', path, sha256)
    store.fail(first(1, { status: 501, code: 'NotImplemented' }, 'PUT'))
    if (when !== 'at first') await bucket.putFile('another', path, sha256)
    assert.equal(await bucket.create('one', Buffer.from('others')), false)
    assert.equal(store.objects.get('prefix/one')?.bytes.toString(), 'bytes')
    assert.equal(await bucket.create('two', Buffer.from('others')), true)
    assert.equal(store.objects.get('prefix/two')?.bytes.toString(), 'others')
  })
}

test('a file that has changed since it was hashed is not stored, be it small or large', async (t) => {
  const { bucket, file, store } = await fresh(t)
  for (const size of [100, 17 * 1024 * 1024]) {
    const { path } = await file(randomBytes(size))
    await assert.rejects(bucket.putFile('one', path, randomBytes(32)), /has changed since it was hashed/)
  }
  assert.equal(store.objects.size, 0)
  assert.equal(store.unfinished, 0)
})

test('what the store refuses is a failure that says why, at once; what does not pass is one after a while', async (t) => {
  const { bucket, file, store } = await fresh(t, { patience: { tryMs: 300 } })
  const { path, sha256 } = await file(Buffer.from('bytes'))
  const refusals = [
    [{ status: 403, code: 'AccessDenied' }, 'storage.unavailable', /AccessDenied/],
    [{ status: 403, code: 'QuotaExceeded' }, 'storage.full', /QuotaExceeded/],
    [{ status: 507, code: 'InsufficientStorage' }, 'storage.full', /InsufficientStorage/],
    [{ status: 503, code: 'SlowDown' }, 'storage.unavailable', /SlowDown/],
    [{ status: 404, code: 'NoSuchBucket' }, 'storage.unavailable', /NoSuchBucket/],
  ] as const
  for (const [answer, code, message] of refusals) {
    store.asked.splice(0)
    store.fail(() => answer)
    await assert.rejects(bucket.putFile('one', path, sha256), { code, message })
    assert.equal(store.asked.length > 1, answer.code === 'SlowDown', answer.code)
  }
  const nowhere = await Bucket.open({ ...store.settings(), endpoint: 'http://127.0.0.1:1', patience: { tryMs: 300 } })
  await assert.rejects(nowhere.head('x'), {
    code: 'storage.unavailable',
    message: /ECONNREFUSED/,
  })
})

test('a store that says nothing is waited for as long as was asked, and no longer', { timeout: 30_000 }, async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => {
    silent.close()
    silent.closeAllConnections()
  })
  let requests = 0
  silent.on('request', () => requests++)
  const { port } = silent.address() as AddressInfo
  const patience = { tryMs: 50, leastTries: 2, silenceMs: 100, connectMs: 1_000 }
  const { bucket } = await fresh(t, { endpoint: `http://127.0.0.1:${port}`, patience })
  await assert.rejects(bucket.head('x'), { code: 'storage.unavailable', message: /timed out after 100 ms/ })
  assert.equal(requests, 2)
})

test('a store that answers is found to do so, also after it was busy for a moment, and one that refuses is named', async (t) => {
  const { bucket, store } = await fresh(t)
  store.fail(first(2, { status: 503, code: 'SlowDown' }, 'GET'))
  await bucket.demandAnswer()
  assert.equal(store.asked.length, 3)
  store.fail(() => ({ status: 403, code: 'AccessDenied' }))
  await assert.rejects(bucket.demandAnswer(), {
    code: 'storage.unusable',
    message: /s3:\/\/bucket\/prefix\/ .*AccessDenied/,
  })
})

test('uploads that somebody left a day ago are ended, and others go on', async (t) => {
  const { bucket, store } = await fresh(t)
  await fetch(`${store.settings().endpoint}/bucket/prefix/left?uploads=`, { method: 'POST' })
  assert.equal(await bucket.endUploads('', Date.now() - 60_000), 0)
  assert.equal(store.unfinished, 1)
  assert.equal(await bucket.endUploads('', Date.now() + 60_000), 1)
  assert.equal(store.unfinished, 0)
})

for (const [address, place] of Object.entries({
  's3://bucket': '',
  's3://bucket/': '',
  's3://bucket/a/b': 'a/b/',
  's3://bucket/a/b/': 'a/b/',
})) {
  test(`objects of ${address} have names that begin with "${place}"`, async () => {
    const bucket = await Bucket.open({
      store: address,
      endpoint: '',
      region: 'x',
      pathStyle: false,
      credentials: '',
      ca: '',
    })
    assert.equal(bucket.address, `s3://bucket/${place}`)
    bucket.close()
  })
}

for (const address of ['s3:/bucket', 's3://', 's3://B_cket/x', 's3://bucket/../x', 's3://bucket//x', 's3://bucket/ä']) {
  test(`${address} is refused`, async () => {
    const settings = { store: address, endpoint: '', region: 'x', pathStyle: false, credentials: '', ca: '' }
    await assert.rejects(Bucket.open(settings), { code: 'settings.invalid', message: /s3:\/\/samples\/backtrail/ })
  })
}
