import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FetchCopy, LocalCache } from './local-cache.ts'

async function freshFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-cache-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

function openIn(folder: string, limit = 1_000, keepsOverBoots = false, keptFree = 0): Promise<LocalCache> {
  const isName = (name: string) => /^[0-9a-f]+$/.test(name)
  return LocalCache.open({ folder, limit, keptFree, isName, keepsOverBoots: () => keepsOverBoots })
}

/** Fetches so many bytes, and counts how often. */
function fetching(bytes: number, outcome: 'sound' | 'unsound' = 'sound'): FetchCopy & { times: number } {
  const fetch = Object.assign(
    async (path: string) => {
      fetch.times++
      await writeFile(path, Buffer.alloc(bytes, 7))
      return outcome
    },
    { times: 0 },
  )
  return fetch
}

test('a copy is fetched once, for all who ask at once and for those who come later', async (t) => {
  const cache = await openIn(await freshFolder(t))
  const fetch = fetching(100)
  const held = await Promise.all([1, 2, 3].map(() => cache.hold('aa01', fetch)))
  assert.equal(readFileSync(held[0]?.path ?? '').length, 100)
  for (const copy of held) copy.release()
  ;(await cache.hold('aa01', fetch)).release()
  assert.equal(fetch.times, 1)
  assert.equal(cache.bytes, 100)
})

test('a copy that somebody removed or cut off is fetched anew, once for all', async (t) => {
  const cache = await openIn(await freshFolder(t))
  const fetch = fetching(100)
  ;(await cache.hold('aa01', fetch)).release()
  await rm(cache.pathOf('aa01'))
  const held = await Promise.all([1, 2, 3].map(() => cache.hold('aa01', fetch)))
  assert.equal(readFileSync(held[0]?.path ?? '').length, 100)
  for (const copy of held) copy.release()
  assert.deepEqual([fetch.times, cache.bytes], [2, 100])
  writeFileSync(cache.pathOf('aa01'), 'cut off')
  const again = await cache.hold('aa01', fetch)
  assert.equal(readFileSync(again.path).length, 100)
  again.release()
  assert.deepEqual([fetch.times, cache.bytes], [3, 100])
})

test('those that were held longest ago go first, and those that are held stay whatever the size', async (t) => {
  const cache = await openIn(await freshFolder(t), 250)
  const held = await cache.hold('aa01', fetching(100))
  ;(await cache.hold('aa02', fetching(100))).release()
  ;(await cache.hold('aa03', fetching(100))).release()
  assert.deepEqual(
    ['aa01', 'aa02', 'aa03'].map((name) => existsSync(cache.pathOf(name))),
    [true, false, true],
  )
  const large = await cache.hold('aa04', fetching(1_000))
  assert.ok(existsSync(held.path) && existsSync(large.path))
  assert.equal(cache.bytes, 1_100)
  held.release()
  held.release()
  large.release()
  assert.ok(cache.bytes <= 250)
})

test('an object that is not there has no copy, and is asked for again by the next', async (t) => {
  const cache = await openIn(await freshFolder(t))
  const none = await cache.hold('aa01', async () => 'absent')
  assert.ok(!existsSync(none.path))
  none.release()
  const fetch = fetching(10)
  ;(await cache.hold('aa01', fetch)).release()
  assert.equal(fetch.times, 1)
})

test('a fetch that fails leaves nothing, and all who waited for it hear of it', async (t) => {
  const cache = await openIn(await freshFolder(t))
  const fail: FetchCopy = async (path) => {
    await writeFile(path, 'half')
    throw new Error('cut off')
  }
  const both = await Promise.allSettled([cache.hold('aa01', fail), cache.hold('aa01', fail)])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.ok(!existsSync(cache.pathOf('aa01')) && !existsSync(`${cache.pathOf('aa01')}.part`))
  assert.equal(cache.bytes, 0)
})

test('a full disk makes room of what nobody holds, and then fetches once more', async (t) => {
  const cache = await openIn(await freshFolder(t))
  ;(await cache.hold('aa01', fetching(100))).release()
  let tries = 0
  const fetch: FetchCopy = async (path) => {
    if (++tries === 1) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    await writeFile(path, 'x')
    return 'sound'
  }
  ;(await cache.hold('aa02', fetch)).release()
  assert.ok(!existsSync(cache.pathOf('aa01')) && existsSync(cache.pathOf('aa02')))
  await assert.rejects(
    openIn(await freshFolder(t)).then((other) =>
      other.hold('aa03', async () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      }),
    ),
    { code: 'ENOSPC' },
  )
})

test('where the disk has less room than it should keep, nothing stays that nobody holds', async (t) => {
  const cache = await openIn(await freshFolder(t), 1_000, false, Number.MAX_SAFE_INTEGER)
  const held = await cache.hold('aa01', fetching(10))
  ;(await cache.hold('aa02', fetching(10))).release()
  ;(await cache.hold('aa03', fetching(10))).release()
  assert.ok(existsSync(held.path) && !existsSync(cache.pathOf('aa02')))
  held.release()
})

test('an unsound copy goes with its last holder', async (t) => {
  const cache = await openIn(await freshFolder(t))
  const fetch = fetching(10, 'unsound')
  const copy = await cache.hold('aa01', fetch)
  assert.ok(existsSync(copy.path))
  copy.release()
  assert.ok(!existsSync(copy.path))
  assert.equal(cache.bytes, 0)
})

test('a file is taken in as a copy, and a copy that is dropped is fetched anew', async (t) => {
  const folder = await freshFolder(t)
  const cache = await openIn(join(folder, 'cache'))
  writeFileSync(join(folder, 'file'), 'bytes')
  await cache.takeIn('aa01', join(folder, 'file'))
  assert.equal(cache.bytes, 5)
  const fetch = fetching(10)
  const held = await cache.hold('aa01', fetch)
  await cache.drop('aa01')
  ;(await cache.hold('aa01', fetch)).release()
  held.release()
  assert.deepEqual([fetch.times, cache.bytes], [1, 10])
})

test('copies outlive the process, within the size, and what is no copy goes', async (t) => {
  const folder = await freshFolder(t)
  const before = await openIn(folder)
  for (const name of ['aa01', 'bb02']) (await before.hold(name, fetching(100))).release()
  for (const strange of ['aa01.part', 'aa01.writing', 'strange']) writeFileSync(join(folder, 'aa', strange), 'x')
  const after = await openIn(folder)
  const fetch = fetching(100)
  ;(await after.hold('aa01', fetch)).release()
  assert.deepEqual([fetch.times, after.bytes], [0, 200])
  assert.ok(!existsSync(join(folder, 'aa', 'aa01.part')) && !existsSync(join(folder, 'aa', 'strange')))
  assert.equal((await openIn(folder, 150)).bytes, 100)
})

test('after the system started anew, only copies stay whose readers notice damage', async (t) => {
  for (const keeps of [true, false]) {
    const folder = await freshFolder(t)
    const before = await openIn(folder, 1_000, keeps)
    ;(await before.hold('aa01', fetching(100))).release()
    writeFileSync(join(folder, 'boot'), 'another one')
    assert.equal((await openIn(folder, 1_000, keeps)).bytes, keeps ? 100 : 0)
  }
})
