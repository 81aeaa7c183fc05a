/** Which samples go to nodes, in which batches, and what becomes of those that come back unanswered. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { noProgram, sign } from '../index/index.ts'
import type { Jobs, SampleToExamine, ShareOptions } from '../jobs/index.ts'
import type { LiveSet } from '../rulesets/index.ts'
import { Sharing } from './sharing.ts'

const MEGABYTE = 1024 ** 2
const { signal } = new AbortController()
const setOf = (generation: number): LiveSet => ({ id: `live:${generation}`, generation, rulesets: [], members: [] })

function sampleOf(size: number): SampleToExamine {
  const digests = {
    size,
    sha256: randomBytes(32),
    sha1: randomBytes(20),
    md5: randomBytes(16),
    sha512: randomBytes(64),
  }
  return { digests, variables: { filename: '', filepath: '', extension: '', owner: '' }, without: [], scan: true }
}

interface Part {
  readonly items: readonly SampleToExamine[]
  readonly how: ShareOptions
  readonly answer: (found: readonly unknown[] | null) => void
}

/** Nodes that take so many parts, and a server that has one worker. */
function open({ most = 2, isWorking = false, since = Number.NEGATIVE_INFINITY, signal: of = signal } = {}) {
  const parts: Part[] = []
  const ended: string[] = []
  let underWay = 0
  const jobs = {
    elsewhere: () => underWay,
    roomElsewhere: () => Math.max(0, most - underWay),
    isWorking: () => isWorking,
    begin: () => {},
    end: async (id: string) => void ended.push(id),
    async share(_kind: string, { items }: Pick<Part, 'items'>, how: ShareOptions) {
      underWay++
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      how.signal?.addEventListener('abort', () => reject(how.signal?.reason))
      parts.push({ items, how, answer: (found) => resolve(found && { found }) })
      try {
        return await promise
      } finally {
        underWay--
      }
    },
  } as unknown as Jobs
  const live = { set: setOf(1), since }
  const warnings: string[] = []
  const log = { info() {}, error() {}, warn: (_: object, message: string) => void warnings.push(message) }
  const sharing = new Sharing({ jobs, workers: 1, log, live: () => live })
  const examine = (sample: SampleToExamine, here = async () => 'here') =>
    sharing.examine(sample, of, { here, elsewhere: ({ live }) => `elsewhere with ${live.id}` })
  return { parts, ended, sharing, live, warnings, examine }
}

const foundOf = ({ digests }: SampleToExamine) => {
  const identification = { fileType: 'Text/None', description: '', isArchive: false }
  const signature = sign(Buffer.alloc(digests.size), digests, noProgram)
  return { identification, signature, program: null, hits: [], errors: [] }
}

async function until(holds: () => boolean): Promise<void> {
  for (const start = performance.now(); !holds(); await new Promise(setImmediate))
    if (performance.now() - start > 20_000) throw new Error('waited in vain')
}

test('samples that come together travel together, in batches that are bounded, and only as many as nodes take', async () => {
  const { parts, examine } = open({ most: 3 })
  const small = Array.from({ length: 70 }, () => sampleOf(100))
  const large = [5, 5, 40].map((megabytes) => sampleOf(megabytes * MEGABYTE))
  const answers = [...small, ...large, sampleOf(100)].map((sample) => examine(sample))
  await until(() => parts.length === 3)
  assert.deepEqual(
    parts.map(({ items }) => items.length),
    [64, 7, 1],
  )
  parts[0]?.answer(parts[0].items.map(foundOf))
  await until(() => parts.length === 4)
  assert.deepEqual(parts[3]?.items, [large[2]])
  for (const { items, answer } of parts.slice(1)) answer(items.map(foundOf))
  await until(() => parts.length === 5)
  parts[4]?.answer(parts[4].items.map(foundOf))
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['elsewhere with live:1']))
})

test('what nodes did not do, could not do or cannot have done is examined here', async () => {
  const { parts, examine, warnings } = open()
  const first = [sampleOf(1), sampleOf(2)].map((sample) => examine(sample))
  await until(() => parts.length === 1)
  const second = [sampleOf(3), sampleOf(4)].map((sample) => examine(sample))
  await until(() => parts.length === 2)
  parts[0]?.answer([foundOf(parts[0].items[0] as SampleToExamine), null])
  parts[1]?.answer([foundOf(parts[1].items[1] as SampleToExamine), foundOf(parts[1].items[0] as SampleToExamine)])
  assert.deepEqual(await Promise.all(first), ['elsewhere with live:1', 'here'])
  assert.deepEqual(await Promise.all(second), ['here', 'here'])
  assert.equal(warnings.length, 1)
  const third = examine(sampleOf(5))
  await until(() => parts.length === 3)
  parts[2]?.answer(null)
  assert.equal(await third, 'here')
  assert.equal(await examine(sampleOf(65 * MEGABYTE)), 'here')
})

test('a server that works too has enough to do first, and takes back what nobody has begun with', async () => {
  const { parts, examine, sharing } = open({ isWorking: true })
  const { promise, resolve } = Promise.withResolvers<string>()
  const here = Array.from({ length: 64 }, () => examine(sampleOf(1), () => promise))
  assert.equal(sharing.isForNodes, false)
  const elsewhere = examine(sampleOf(1))
  await until(() => parts.length === 1)
  assert.equal(sharing.isForNodes, true)
  assert.equal(parts[0]?.how.isWantedBack(0), false)
  resolve('here')
  await Promise.all(here)
  assert.equal(parts[0]?.how.isWantedBack(0), true)
  parts[0]?.answer(parts[0].items.map(foundOf))
  assert.equal(await elsewhere, 'elsewhere with live:1')
})

test('a live set that is changing is not sent, and one that has changed is kept until its parts have ended', async () => {
  const { parts, ended, examine, sharing, live } = open({ since: performance.now() })
  assert.equal(await examine(sampleOf(1)), 'here')
  assert.equal(parts.length, 0)
  live.since = Number.NEGATIVE_INFINITY
  const before = examine(sampleOf(1))
  await until(() => parts.length === 1)
  live.set = setOf(2)
  sharing.dropLiveSet()
  const after = examine(sampleOf(1))
  await until(() => parts.length === 2)
  assert.deepEqual(
    parts.map(({ how }) => how.ruleSet),
    ['live:1', 'live:2'],
  )
  assert.deepEqual(ended, [])
  for (const { items, answer } of parts) answer(items.map(foundOf))
  assert.deepEqual([await before, await after], ['elsewhere with live:1', 'elsewhere with live:2'])
  assert.deepEqual(ended, ['live:1'])
})

test('what nobody waits for any more ends, whether it was offered or waits', async () => {
  const stopping = new AbortController()
  const { parts, examine } = open({ most: 1, signal: stopping.signal })
  const offered = examine(sampleOf(1))
  await until(() => parts.length === 1)
  const waits = examine(sampleOf(1))
  stopping.abort(new Error('Intake is stopping.'))
  for (const answer of [offered, waits]) await assert.rejects(answer, /Intake is stopping/)
})
