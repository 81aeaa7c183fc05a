/** Small files travel through intake many at a time; each must still fare as if it were alone. */
import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshCollection } from './collection.fixture.ts'

const ruleOf = (name: string, text: string) => `rule ${name} { strings: $a = "${text}" condition: $a }`
const FILES = 300

test('among many files, those that cannot be taken fail alone, and the rest is matched with all that is enabled', {
  timeout: 120_000,
}, async (t) => {
  const c = await freshCollection(t, { workers: 2 })
  await c.rulesets.save(c.operator, { name: 'early', content: ruleOf('Early', 'early words') })
  const folder = join(c.folder, 'sources')
  await mkdir(folder)
  const paths: string[] = []
  for (let n = 0; n < FILES; n++) {
    const path = join(folder, `file-${n}`)
    // Every fiftieth has the content of the one before.
    const content = n % 50 === 49 ? n - 1 : n
    await writeFile(
      path,
      `content ${content}${content % 10 === 0 ? ' early words' : ''}${content % 7 === 0 ? ' late words' : ''}`,
    )
    paths.push(path)
  }
  const gone = new Set([5, 120, 299])
  for (const n of gone) await rm(paths[n] as string)

  // Nothing is committed before the enabled rulesets have become others: what was examined by then must catch up.
  const lateIsSaved = Promise.withResolvers<void>()
  const run = c.pool.run.bind(c.pool)
  t.mock.method(c.pool, 'run', async (...task: Parameters<typeof run>) => {
    const output = await run(...task)
    if (task[0] === 'copyAndHash') await lateIsSaved.promise
    return output
  })
  // Awaited from the beginning: those that cannot be taken may be refused before the rulesets have become others.
  const taken = Promise.allSettled(
    paths.map((path, n) => c.intake.ingestFile(path, { filename: `file-${n}`, userId: null }, n % 3)),
  )
  await c.rulesets.save(c.operator, { name: 'late', content: ruleOf('Late', 'late words') })
  lateIsSaved.resolve()
  const results = await taken
  await c.intake.idle()

  const failed = results.flatMap((result, n) => (result.status === 'rejected' ? [[n, result.reason.code]] : []))
  assert.deepEqual(
    failed,
    [...gone].map((n) => [n, 'ENOENT']),
  )
  const expected = (divisor: number) =>
    new Set(
      [...paths.keys()]
        .filter((n) => !gone.has(n))
        .map((n) => (n % 50 === 49 ? n - 1 : n))
        .filter((n) => n % divisor === 0),
    ).size
  for (const [name, divisor] of [
    ['early', 10],
    ['late', 7],
  ] as const) {
    const { count } = await c.matches.list({ names: [name], page: null })
    assert.equal(count, expected(divisor), name)
  }
  const { samples, queued } = await c.samples.totals()
  assert.deepEqual({ samples, queued }, { samples: FILES - gone.size - FILES / 50 + 1, queued: 0 })
  for (const result of results) if (result.status === 'fulfilled') await result.value.processed
  assert.deepEqual(await c.underWay(), [])
  const snapshot = await c.segments.snapshot()
  assert.equal(snapshot.unindexed.length, 0)
  snapshot.release()
})

test('a small file is read once, by one task, and everything is found out about it', { timeout: 60_000 }, async (t) => {
  const c = await freshCollection(t)
  await c.rulesets.save(c.operator, { name: 'late', content: ruleOf('Late', 'late words') })
  const paths = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const path = join(c.folder, `source-${n}`)
      await writeFile(path, `#!/bin/sh\n# ${n} has the late words\n`)
      return path
    }),
  )
  const run = t.mock.method(c.pool, 'run')
  const taken = await Promise.all(paths.map((path) => c.intake.ingestFile(path, { filename: 'x', userId: null }, 40)))
  await Promise.all(taken.map(({ processed }) => processed))
  const kinds = run.mock.calls.map((call) => call.arguments[0])
  assert.deepEqual([...new Set(kinds)], ['copyAndHash'])
  assert.equal(kinds.length, paths.length)
  const { count } = await c.matches.list({ names: ['late'], page: null })
  assert.equal(count, paths.length)
  for (const { sha256 } of taken) {
    const { fileType, indexed } = await c.samples.get(sha256)
    assert.deepEqual({ fileType, indexed }, { fileType: 'Text/Shell', indexed: true })
  }
})

test('a content that comes under two names at once is matched under both', {
  timeout: 60_000,
}, async (t) => {
  const c = await freshCollection(t)
  const named = (name: string) => ({
    name,
    content: `rule ${name} { condition: filename == "${name}" }`,
  })
  await c.rulesets.save(c.operator, named('first'))
  await c.rulesets.save(c.operator, named('second'))
  const path = join(c.folder, 'source')
  await writeFile(path, 'the same for both')
  const bothAreTaken = Promise.withResolvers<void>()
  let taken = 0
  const run = c.pool.run.bind(c.pool)
  t.mock.method(c.pool, 'run', async (...task: Parameters<typeof run>) => {
    const output = await run(...task)
    if (task[0] === 'copyAndHash' && ++taken === 2) bothAreTaken.resolve()
    if (task[0] === 'copyAndHash') await bothAreTaken.promise
    return output
  })
  const arrivals = await Promise.all(
    ['first', 'second'].map((filename) => c.intake.ingestFile(path, { filename, userId: null }, 17)),
  )
  await Promise.all(arrivals.map(({ processed }) => processed))
  const matches = await c.matches.ofSample(arrivals[0]?.id ?? 0)
  assert.deepEqual(matches.map(({ rule, filename }) => [rule, filename]).sort(), [
    ['first', 'first'],
    ['second', 'second'],
  ])
})
