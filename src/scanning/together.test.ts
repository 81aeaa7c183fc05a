/** Short tasks travel to a worker together; what happens to one of them must not happen to the others. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { endless, eventually, hello, openPool, ruleset } from './fixtures/open-pool.ts'
import type { PoolStatistics, WorkerPool } from './index.ts'

const live = { priority: 'live' } as const
const variables = { filename: '', filepath: '', extension: '', owner: '' }

function digestsOf(content: string) {
  const digest = (algorithm: string) => createHash(algorithm).update(content).digest()
  return {
    size: Buffer.byteLength(content),
    sha256: digest('sha256'),
    sha1: digest('sha1'),
    md5: digest('md5'),
    sha512: digest('sha512'),
  }
}

/** The worker that has been scanning one sample for longer than any but the endless rule takes. */
async function stuck(pool: WorkerPool): Promise<PoolStatistics['processes'][number]> {
  for (let seen = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const worker = pool.statistics().processes.find(({ at }) => at?.stage === 'scan')
    if (worker?.at && worker.at.task === seen) return worker
    seen = worker?.at?.task ?? -1
  }
}

/** Keeps the only worker busy until all that follows is waiting, so that it travels together. */
async function gathered<T>(pool: WorkerPool, path: string, work: () => Promise<T>): Promise<T> {
  await eventually('the worker is there', () => pool.statistics().processes.some(({ role }) => role === 'worker'))
  const first = pool.run('entropy', { path, slices: 1 }, { priority: 'interactive' })
  const all = work()
  await first
  return all
}

test('among files that are taken together, one that cannot be read fails alone', async (t) => {
  const { pool, folder, sample } = openPool(t, { workers: 1 })
  mkdirSync(join(folder, 'folder'))
  const paths = Array.from({ length: 30 }, (_, n) => sample(`file-${n}`, `content ${n}`))
  paths.splice(7, 0, join(folder, 'nothing'))
  paths.splice(20, 0, join(folder, 'folder'))
  const results = await gathered(pool, paths[0] as string, () =>
    Promise.allSettled(
      paths.map((source, n) =>
        pool.run(
          'copyAndHash',
          { source, temporary: join(folder, `copy-${n}`), size: 10, examine: null },
          { ...live, group: 'copyAndHash' },
        ),
      ),
    ),
  )
  const failed = results.flatMap((result, n) => (result.status === 'rejected' ? [[n, result.reason.code]] : []))
  assert.deepEqual(failed, [
    [7, 'ENOENT'],
    [20, 'EISDIR'],
  ])
  for (const [n, result] of results.entries()) {
    if (result.status === 'rejected') continue
    const copy = readFileSync(join(folder, `copy-${n}`), 'utf8')
    assert.equal(copy, readFileSync(paths[n] as string, 'utf8'))
    assert.deepEqual(Buffer.from(result.value.digests.sha512), digestsOf(copy).sha512)
  }
})

for (const [cause, deal] of [
  ['timeout', { limits: { scanMs: 500 } }],
  ['crash', { limits: { scanMs: 60_000 } }],
] as const) {
  test(`a sample that costs its worker (${cause}) costs those that travel with it nothing`, async (t) => {
    const { pool, sample } = openPool(t, { workers: 1, ...deal })
    pool.setRuleSet({ id: 'set', rulesets: [ruleset('both', `${hello.content}\n${endless.content}`)] })
    const contents = Array.from({ length: 20 }, (_, n) => (n === 11 ? 'hello, spin' : `hello ${n}`))
    const paths = contents.map((content, n) => sample(`sample-${n}`, content))
    const tasks = gathered(pool, paths[0] as string, () =>
      Promise.all(
        contents.map((content, n) =>
          pool.run(
            'examine',
            {
              path: paths[n] as string,
              digests: digestsOf(content),
              ruleSet: 'set',
              variables,
              without: [],
              scan: true,
            },
            live,
          ),
        ),
      ),
    )
    for (let crash = 0; cause === 'crash' && crash < 2; crash++) {
      const worker = await stuck(pool)
      process.kill(worker.pid, 'SIGSEGV')
      await eventually('the crash is seen', () => pool.statistics().restarts.crash === crash + 1)
    }
    const results = await tasks
    assert.deepEqual(
      results.map(({ hits, errors }) => [...hits.map(({ rule }) => rule), ...errors.map(({ reason }) => reason)]),
      contents.map((_, n) => (n === 11 ? [cause] : ['hello'])),
    )
    assert.equal(pool.statistics().restarts[cause], cause === 'crash' ? 2 : 1)
  })
}

test('a file whose scan does not end is taken all the same, and so are those that travel with it', async (t) => {
  const { pool, folder, sample } = openPool(t, { workers: 1, limits: { scanMs: 500 } })
  pool.setRuleSet({ id: 'set', rulesets: [ruleset('both', `${hello.content}\n${endless.content}`)] })
  const contents = Array.from({ length: 20 }, (_, n) => (n === 11 ? 'hello, spin' : `hello ${n}`))
  const paths = contents.map((content, n) => sample(`sample-${n}`, content))
  const examine = { ruleSet: 'set', variables, upTo: 1_000 }
  const results = await gathered(pool, paths[0] as string, () =>
    Promise.all(
      paths.map((source, n) =>
        pool.run('copyAndHash', { source, temporary: join(folder, `copy-${n}`), size: 10, examine }, live),
      ),
    ),
  )
  assert.equal(pool.statistics().restarts.timeout, 1)
  for (const [n, { digests, examined }] of results.entries()) {
    assert.equal(readFileSync(join(folder, `copy-${n}`), 'utf8'), contents[n])
    assert.deepEqual(Buffer.from(digests.sha512), digestsOf(contents[n] as string).sha512)
    assert.deepEqual(examined?.hits.map(({ rule }) => rule) ?? null, n === 11 ? null : ['hello'])
  }
})
