import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { contentStores, staged } from './each-contents.fixture.ts'

const nothing = async () => {}

for (const { name, skip, fresh } of contentStores) {
  test(`${name}: a stored content is readable under its digest, whole, in part and as a file, and its staged file is gone`, {
    skip,
  }, async (t) => {
    const { contents, scratch } = await fresh(t)
    const bytes = randomBytes(100_000)
    const file = await staged(scratch, bytes)
    assert.equal(await contents.put([file], async () => 'committed'), 'committed')

    const whole = await contents.range(file.sha256)
    assert.equal(whole.size, bytes.length)
    assert.deepEqual(await buffer(whole.stream), bytes)
    const part = await contents.range(file.sha256, { start: 10, end: 19 })
    assert.equal(part.size, bytes.length)
    assert.deepEqual(await buffer(part.stream), bytes.subarray(10, 20))
    for (const start of [bytes.length, Number.MAX_SAFE_INTEGER]) {
      const behind = await contents.range(file.sha256, { start, end: start + 9 })
      assert.deepEqual([behind.size, await buffer(behind.stream)], [bytes.length, Buffer.alloc(0)])
    }
    const lease = await contents.lease([file.sha256])
    assert.deepEqual(await Promise.all(lease.paths.map((path) => readFile(path))), [bytes])
    lease.release()
    lease.release()
    await assert.rejects(readFile(file.temporary), { code: 'ENOENT' })
  })

  test(`${name}: a content is there when its rows are committed, and not before it was put`, { skip }, async (t) => {
    const { contents, scratch } = await fresh(t)
    const file = await staged(scratch, Buffer.from('content'))
    assert.equal(await contents.size(file.sha256), null)
    assert.equal(await contents.put([file], () => contents.size(file.sha256)), 7)
  })

  test(`${name}: large and empty contents come back as they were`, { skip }, async (t) => {
    const { contents, scratch } = await fresh(t)
    for (const bytes of [Buffer.alloc(0), randomBytes(20 * 1024 * 1024)]) {
      const file = await staged(scratch, bytes)
      await contents.put([file], nothing)
      assert.equal(await contents.size(file.sha256), bytes.length)
      const { stream } = await contents.range(file.sha256)
      assert.ok((await buffer(stream)).equals(bytes))
    }
  })

  test(`${name}: many files are stored at once, and the same content twice is one`, { skip }, async (t) => {
    const { contents, scratch } = await fresh(t)
    const files = await Promise.all(Array.from({ length: 60 }, (_, i) => staged(scratch, Buffer.from(`${i % 59}`))))
    await contents.put(files, nothing)
    for (const [i, { sha256 }] of files.entries()) assert.equal(await contents.size(sha256), `${i % 59}`.length)
    const digests = new Set(files.map(({ sha256 }) => sha256.toString('hex')))
    const folders = new Set([...digests].map((digest) => Number.parseInt(digest.slice(0, 2), 16)))
    const listed = await Promise.all([...folders].sort((a, b) => a - b).map((first) => contents.list(first)))
    assert.deepEqual(listed.flat(), [...digests].sort())
    const lease = await contents.lease(files.map(({ sha256 }) => sha256))
    assert.deepEqual(
      await Promise.all(lease.paths.map((path) => readFile(path, 'latin1'))),
      files.map((_, i) => `${i % 59}`),
    )
    lease.release()
  })

  test(`${name}: a content that is not there is a sample that is gone`, { skip }, async (t) => {
    const { contents } = await fresh(t)
    const sha256 = randomBytes(32)
    assert.equal(await contents.size(sha256), null)
    await assert.rejects(contents.range(sha256), { code: 'sample.gone' })
    const { paths, release } = await contents.lease([sha256])
    await assert.rejects(readFile(paths[0] ?? ''), { code: 'ENOENT' })
    release()
    await contents.delete([sha256], async () => [sha256])
  })

  test(`${name}: a content that is deleted is gone for readers too, and may come back`, { skip }, async (t) => {
    const { contents, scratch } = await fresh(t)
    const bytes = Buffer.from('comes back')
    for (let round = 0; round < 2; round++) {
      const file = await staged(scratch, bytes)
      await contents.put([file], nothing)
      ;(await contents.lease([file.sha256])).release()
      await contents.delete([file.sha256], async () => [file.sha256])
      assert.equal(await contents.size(file.sha256), null)
      const { paths, release } = await contents.lease([file.sha256])
      await assert.rejects(readFile(paths[0] ?? ''), { code: 'ENOENT' })
      release()
    }
  })

  test(`${name}: contents whose rows cannot be committed are deleted again, and those whose rows stay are not`, {
    skip,
  }, async (t) => {
    const { contents, scratch, sweep } = await fresh(t)
    const [kept, failed] = [await staged(scratch, Buffer.from('a')), await staged(scratch, Buffer.from('b'))]
    const fail = async () => assert.fail('no rows')
    await assert.rejects(contents.put([failed], fail), /no rows/)
    await sweep()
    assert.equal(await contents.size(failed.sha256), null)
    await contents.put([kept], nothing)
    await assert.rejects(contents.delete([kept.sha256], fail), /no rows/)
    await contents.delete([kept.sha256, failed.sha256], async () => [])
    assert.equal(await contents.size(kept.sha256), 1)
  })

  test(`${name}: a content that is set aside is not there any more, and another may take its place`, {
    skip,
  }, async (t) => {
    const { contents, scratch } = await fresh(t)
    const file = await staged(scratch, Buffer.from('damaged'))
    await contents.put([file], nothing)
    await contents.setAside(file.sha256)
    assert.equal(await contents.size(file.sha256), null)
    await contents.put([await staged(scratch, Buffer.from('damaged'))], nothing)
    assert.equal(await contents.size(file.sha256), 7)
  })

  test(`${name}: work that is done in turns never overlaps, also after a failure`, { skip }, async (t) => {
    const { contents } = await fresh(t)
    let inside = 0
    const work = async (fail: boolean) => {
      assert.equal(++inside, 1)
      await new Promise(setImmediate)
      inside--
      if (fail) throw new Error('failed in its turn')
      return 'done'
    }
    const results = await Promise.allSettled([false, true, false].map((fail) => contents.withLock(() => work(fail))))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  })
}
