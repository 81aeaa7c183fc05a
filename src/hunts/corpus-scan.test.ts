import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { IndexUse, LocalJobs, Work, type WorkParts } from '../jobs/index.ts'
import { everySample } from '../planner/index.ts'
import type { SegmentFile } from '../segments/index.ts'
import { DatabaseHealth } from '../store/index.ts'
import type { Span } from '../tracing/index.ts'
import { groupCandidatesBySample } from './candidates.ts'
import { type CorpusScanOptions, candidates, type ScanSources, scanCorpus } from './corpus-scan.ts'
import { KnownCandidates } from './known-candidates.ts'
import { KnownMisses } from './known-misses.ts'
import { windows } from './windows.ts'

/** Small, fast and seeded; the seed is printed so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const seed = Number(process.env.BACKTRAIL_SEED ?? randomInt(2 ** 31))

function ascending(ids: Iterable<number>): Uint32Array {
  return Uint32Array.from(new Set(ids)).sort()
}

test('turning candidates around gives for each sample exactly the rulesets that named it', () => {
  console.log(`seed ${seed}`)
  const random = randomNumbers(seed)
  for (let round = 0; round < 200; round++) {
    const candidates = Array.from({ length: random(6) }, () => ({
      ruleset: `r${random(4)}`,
      samples: ascending(Array.from({ length: random(20) }, () => 1 + random(30))),
    }))
    const plain = [ascending(Array.from({ length: random(5) }, () => 1 + random(30)))]

    const expected = new Map<number, Set<string> | null>()
    for (const { ruleset, samples } of candidates) {
      for (const id of samples) expected.set(id, new Set([...(expected.get(id) ?? []), ruleset]))
    }
    for (const ids of plain) for (const id of ids) expected.set(id, null)

    const actual = groupCandidatesBySample(candidates, plain)
    assert.deepEqual(
      actual.map(({ sample }) => sample),
      [...expected.keys()].sort((a, b) => a - b),
    )
    for (const { sample, rulesets } of actual) {
      assert.deepEqual(
        rulesets && [...rulesets].sort(),
        expected.get(sample) && [...(expected.get(sample) ?? [])].sort(),
      )
    }
  }
})

test('windows hold every segment and every plain sample once, and no segment crosses the end of a window', () => {
  console.log(`seed ${seed}`)
  const random = randomNumbers(seed)
  let cuts = 0
  for (let round = 0; round < 200; round++) {
    let id = 1
    const segments = Array.from({ length: random(12) }, (_, number) => {
      const firstId = Math.max(1, id - random(3) * 10)
      id += 1 + random(40)
      const lastId = id
      id += random(4)
      return { id: number, path: '', firstId, lastId, samples: 1 + random(50_000), bytes: 0 }
    })
    segments.sort((a, b) => a.firstId - b.firstId)
    const last = id + random(20)
    const unindexed = ascending(Array.from({ length: random(40) }, () => 1 + random(last)))
    const after = random(last)
    const all = [...windows({ segments, unindexed }, { after, upTo: last, only: null })]
    cuts += all.length - 1

    assert.equal(all.at(-1)?.upTo, last)
    const due = segments.filter(({ lastId }) => lastId > after)
    assert.deepEqual(
      all.flatMap((window) => window.segments.map((segment) => segment.id)),
      due.map((segment) => segment.id),
    )
    assert.deepEqual(
      all.flatMap((window) => [...window.unindexed]),
      [...unindexed].filter((sample) => sample > after),
    )
    let previous = after
    for (const window of all) {
      for (const { firstId, lastId } of window.segments) {
        assert.ok(lastId <= window.upTo, 'a segment reaches beyond its wave')
        assert.ok(firstId > previous || previous === after, 'a segment reaches back into an earlier wave')
      }
      for (const sample of window.unindexed) assert.ok(sample > previous && sample <= window.upTo)
      previous = window.upTo
    }
  }
  assert.ok(cuts > 50, `only ${cuts} cuts were tried`)
})

test('without any segment the plain samples are cut into windows of bounded size', () => {
  const unindexed = Uint32Array.from({ length: 150_000 }, (_, index) => index + 1)
  const all = [...windows({ segments: [], unindexed }, { after: 0, upTo: 150_000, only: null })]
  assert.deepEqual(
    all.map((window) => window.unindexed.length),
    [65_536, 65_536, 18_928],
  )
  assert.deepEqual(
    all.map((window) => window.upTo),
    [65_536, 131_072, 150_000],
  )
})

test('a restriction to some ids holds for plain samples too', () => {
  const [window, ...more] = windows(
    { segments: [], unindexed: Uint32Array.of(1, 2, 3, 4) },
    { after: 1, upTo: 3, only: Uint32Array.of(1, 3, 4) },
  )
  assert.deepEqual([...(window?.unindexed ?? [])], [3])
  assert.equal(window?.upTo, 3)
  assert.equal(more.length, 0)
})

/** A hunt with one ruleset over all samples up to an id. */
function everythingUpTo(upTo: number): CorpusScanOptions {
  return {
    ruleSet: { id: 'set', rulesets: [{ key: 'r', name: 'r', content: '', plan: everySample('') }] },
    after: 0,
    upTo,
    only: null,
    useIndex: true,
    strings: false,
    scanLimit: 1_000,
    priority: 'hunt',
    group: 'hunt',
    signal: AbortSignal.timeout(10_000),
  }
}

/** Jobs on contents and segments that nobody reads here. */
function jobsOf(pool: object, workers: number): LocalJobs {
  const contents = {
    lease: async (digests: readonly Uint8Array[]) => ({ paths: digests.map(() => ''), release: () => {} }),
  }
  const files = {
    pathOf: (file: string) => file,
    whileLocal: async <T>(_: unknown, work: () => Promise<T>) => work(),
  } as WorkParts['files']
  return new LocalJobs(new Work({ pool: pool as WorkParts['pool'], contents, files }), workers)
}

interface Corpus {
  readonly pool: object
  readonly workers: number
  readonly segments?: readonly SegmentFile[]
  readonly unindexed?: Uint32Array
  /** Bytes of a sample. */
  readonly sizeOf?: (sample: number) => number
  /** Called when the snapshot is released. */
  readonly release?: () => void
}

function sourcesOf({
  pool,
  workers,
  segments = [],
  unindexed = new Uint32Array(),
  sizeOf = () => 1,
  release = () => {},
}: Corpus): ScanSources {
  const corpus = {
    demandWhole: async () => {},
    scannable: async (some: number[]) =>
      new Map(some.map((id) => [id, { sha256: new Uint8Array(32), size: sizeOf(id) }])),
  }
  return {
    ...{ pool, jobs: jobsOf(pool, workers), corpus, indexUse: new IndexUse(), health: new DatabaseHealth() },
    known: new KnownCandidates(),
    misses: new KnownMisses(),
    segments: { snapshot: async () => ({ segments, unindexed, release }) },
  } as unknown as ScanSources
}

/** Samples of a full segment. */
const FULL = 32_768

function fullSegments(count: number): readonly SegmentFile[] {
  return Array.from({ length: count }, (_, n) => ({
    ...{ id: n, path: `${n}`, firstId: n * FULL + 1, lastId: (n + 1) * FULL, samples: FULL, bytes: 0 },
  }))
}

/** That the first samples of one of them are candidates. */
function firstOf(segment: string, candidates: number): object {
  const samples = Uint32Array.from({ length: candidates }, (_, n) => Number(segment) * FULL + n + 1)
  return { candidates: [{ ruleset: 'r', samples }], use: { reads: 1, bytes: 1, microseconds: 1 } }
}

test('a sample that takes long holds up the results behind it, and not their scanning', async () => {
  const ids = Uint32Array.from({ length: 20 }, (_, n) => n + 1)
  const first = Promise.withResolvers<void>()
  const patience = setTimeout(() => first.reject(new Error('the others were not scanned meanwhile')), 5_000)
  const scanned: number[] = []
  const pool = {
    run: async (_kind: string, { items }: { items: readonly { sample: number }[] }) => {
      const samples = items.map(({ sample }) => sample)
      if (samples.includes(1)) await first.promise
      scanned.push(...samples)
      if (samples.includes(20)) first.resolve()
      const hit = (sample: number) => ({ sample, hits: [{ rule: `r${sample}` }], errors: [] })
      return { results: samples.map(hit), scannedBytes: 1 }
    },
  }
  const sources = sourcesOf({ pool, workers: 1, unindexed: ids })
  const found: number[] = []
  for await (const { hits } of scanCorpus(sources, everythingUpTo(20))) {
    found.push(...hits.map(({ sample }) => sample))
  }
  clearTimeout(patience)
  assert.deepEqual(found, [...ids])
  assert.notDeepEqual(scanned, found)
})

test('where a sample takes long, the hits behind it come before it is done, once, and decide nothing', async () => {
  const ids = Uint32Array.from({ length: 20 }, (_, n) => n + 1)
  const slow = 5
  const done = Promise.withResolvers<void>()
  const patience = setTimeout(() => done.reject(new Error('nothing was heard of the samples behind it')), 10_000)
  const pool = {
    run: async (_kind: string, { items }: { items: readonly { sample: number }[] }) => {
      const samples = items.map(({ sample }) => sample)
      if (samples.includes(slow)) await done.promise
      const hit = (sample: number) => ({ sample, hits: [{ rule: `r${sample}` }], errors: [] })
      return { results: samples.map(hit), scannedBytes: samples.length }
    },
  }
  const sources = sourcesOf({ pool, workers: 1, unindexed: ids })
  const found: number[] = []
  let [decided, scannedBytes, candidates] = [0, 0, 0]
  for await (const checkpoint of scanCorpus(sources, everythingUpTo(20))) {
    found.push(...checkpoint.hits.map(({ sample }) => sample))
    assert.ok(checkpoint.upTo >= decided)
    decided = checkpoint.upTo
    scannedBytes += checkpoint.scannedBytes
    candidates += checkpoint.candidates
    if (!found.includes(20)) continue
    if (!found.includes(slow)) assert.ok(decided < slow, `${decided} is decided`)
    done.resolve()
  }
  clearTimeout(patience)
  assert.deepEqual(
    found.toSorted((a, b) => a - b),
    [...ids],
    'each once',
  )
  assert.notDeepEqual(found, [...ids])
  assert.deepEqual([decided, scannedBytes, candidates], [20, 20, 20])
})

test('the heaviest of the large samples ahead is scanned beside the others, and results stay in order', async () => {
  const MB = 1024 * 1024
  const sizes = new Map(
    [...Array(30).keys()].map((n) => [n + 1, n === 19 ? 50 * MB : n === 9 || n === 24 ? 9 * MB : MB]),
  )
  const begun: number[] = []
  const pool = {
    run: async (_kind: string, { items }: { items: readonly { sample: number }[] }) => {
      begun.push(...items.map(({ sample }) => sample))
      // Each takes its turns of the event loop.
      for (const { sample } of items)
        for (let n = sizes.get(sample) ?? 0; n > 0; n -= MB) await new Promise(setImmediate)
      return { results: items.map(({ sample }) => ({ sample, hits: [{ rule: 'r' }], errors: [] })), scannedBytes: 1 }
    },
  }
  const ids = Uint32Array.from(sizes.keys())
  const sources = sourcesOf({ pool, workers: 1, unindexed: ids, sizeOf: (sample) => sizes.get(sample) ?? 0 })
  const found: number[] = []
  const ends: number[] = []
  for await (const { hits, upTo } of scanCorpus(sources, {
    ...everythingUpTo(30),
    scanLimit: 100 * MB,
  })) {
    found.push(...hits.map(({ sample }) => sample))
    ends.push(upTo)
  }
  assert.deepEqual(found, [...ids])
  assert.deepEqual(
    ends,
    ends.toSorted((a, b) => a - b),
  )
  assert.equal(begun[0], 20)
  assert.deepEqual(
    begun.toSorted((a, b) => a - b),
    [...ids],
    'each once',
  )
})

test('where few samples are candidates, a hunt stores how far it is more rarely, and where many are, it does not', async () => {
  const segments = fullSegments(20)
  const ends = async (candidatesOfEach: number): Promise<number[]> => {
    const pool = {
      run: async (kind: string, input: { segment: string; items: readonly { sample: number }[] }) => {
        if (kind === 'verify') {
          const results = input.items.map(({ sample }) => ({ sample, hits: [], errors: [] }))
          return { results, scannedBytes: 0 }
        }
        return firstOf(input.segment, candidatesOfEach)
      },
    }
    const sources = sourcesOf({ pool, workers: 2, segments })
    const question = everythingUpTo(20 * FULL)
    const found: number[] = []
    for await (const { upTo } of scanCorpus(sources, question)) if (upTo % FULL === 0) found.push(upTo / FULL)
    return found
  }
  assert.deepEqual(await ends(1), [2, 10, 20])
  assert.deepEqual(await ends(0), [20])
  assert.deepEqual(await ends(600), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
})

test('where samples are missing from the lists a scan fails, though nothing is left to look up', async () => {
  const sources = sourcesOf({ pool: {}, workers: 1 })
  const isDamaged = new Failure('database.damaged')
  const corpus = { ...sources.corpus, demandWhole: () => Promise.reject(isDamaged) } as unknown as ScanSources['corpus']
  await assert.rejects(Array.fromAsync(scanCorpus({ ...sources, corpus }, everythingUpTo(0))), isDamaged)
})

test('with many nodes several windows are looked up at once, in order of their samples, and one where many are candidates', async () => {
  const segments = fullSegments(400)
  let checkpoints = 0
  const most = async (candidatesOfEach: number, workers: number): Promise<number> => {
    checkpoints = 0
    let underWay = 0
    let most = 0
    const pool = {
      run: async (kind: string, input: { segment: string; items: readonly { sample: number }[] }) => {
        if (kind === 'verify') {
          const results = input.items.map(({ sample }) => ({ sample, hits: [{ rule: 'r' }], errors: [] }))
          return { results, scannedBytes: 0 }
        }
        most = Math.max(most, ++underWay)
        // The later ones are done first.
        for (let n = segments.length - Number(input.segment); n > 0; n -= 20) await new Promise(setImmediate)
        underWay--
        return firstOf(input.segment, candidatesOfEach)
      },
    }
    let isReleased = false
    const release = () => {
      assert.equal(underWay, 0, 'the snapshot is held while it is read')
      isReleased = true
    }
    const sources = sourcesOf({ pool, workers, segments, release })
    const found: number[] = []
    const upTo = segments.length * FULL
    let last = 0
    for await (const checkpoint of scanCorpus(sources, everythingUpTo(upTo))) {
      found.push(...checkpoint.hits.map(({ sample }) => sample))
      last = checkpoint.upTo
      checkpoints++
    }
    assert.equal(last, upTo)
    assert.equal(found.length, segments.length * candidatesOfEach)
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    )
    assert.ok(isReleased)
    return most
  }
  const inOneWindow = 32
  assert.ok((await most(1, 100)) >= 200, 'as many as there is room for')
  assert.equal(await most(1, 1), inOneWindow)
  assert.equal(await most(600, 100), 2)
  assert.ok((await most(0, 100)) >= 200)
  assert.ok(checkpoints < 10, `${checkpoints} checkpoints, though there is little to store`)
})

test('a segment is asked about all of its samples once for each plan, and about some of them each time', async () => {
  const asked: string[] = []
  const samples = Uint32Array.of(7)
  const pool = {
    run: async (_kind: string, { segment, rulesets }: { segment: string; rulesets: readonly string[] | null }) => {
      asked.push(`${segment} ${rulesets ?? 'all'}`)
      const candidates = (rulesets ?? ['r']).map((ruleset) => ({ ruleset, samples, asksForNames: false }))
      return { candidates: segment === '0' ? candidates : [], use: { reads: 1, bytes: 1, microseconds: 1 } }
    },
  }
  const sources = sourcesOf({ pool, workers: 1, segments: fullSegments(2) })
  const whole = everythingUpTo(2 * FULL)
  const found = async (question: CorpusScanOptions) => {
    const found: unknown[] = []
    for await (const { sample, rulesets } of candidates(sources, question)) found.push([sample, rulesets])
    return { asked: asked.splice(0), found }
  }
  const first = [7, ['r']]
  assert.deepEqual(await found(whole), { asked: ['0 all', '1 all'], found: [first] })
  // By the plan, whatever the rules are called.
  const renamed = { id: 'again', rulesets: whole.ruleSet.rulesets.map((ruleset) => ({ ...ruleset, key: 's' })) }
  assert.deepEqual(await found({ ...whole, ruleSet: renamed }), { asked: [], found: [[7, ['s']]] })
  const other = { key: 'other', name: 'other', content: '', plan: everySample('another plan') }
  const more = { id: 'more', rulesets: [...whole.ruleSet.rulesets, other] }
  assert.deepEqual(await found({ ...whole, ruleSet: more }), {
    asked: ['0 other', '1 other'],
    found: [[7, ['other', 'r']]],
  })
  const ofSome = [
    { ...whole, only: Uint32Array.of(7) },
    { ...whole, after: 1 },
    { ...whole, upTo: 2 * FULL - 1 },
  ]
  assert.deepEqual((await found(ofSome[0] as CorpusScanOptions)).asked, ['0 all', '1 all'])
  assert.deepEqual((await found(ofSome[1] as CorpusScanOptions)).asked, ['0 all'])
  assert.deepEqual((await found(ofSome[2] as CorpusScanOptions)).asked, ['1 all'])
})

test('long answers of segments are not kept, and the oldest go where there are many', () => {
  const known = new KnownCandidates()
  const ruleset = (plan: string) => ({ key: plan, name: plan, content: '', plan })
  const answer = (plan: string, length: number) => ({
    ruleset: plan,
    samples: new Uint32Array(length),
    asksForNames: true,
  })
  const [few, many] = [ruleset('few'), ruleset('many')]
  known.add('segment', [few, many], [answer('few', 8_192), answer('many', 8_193)])
  assert.deepEqual(known.of('segment', [few, many]), { candidates: [answer('few', 8_192)], unknown: [many] })
  for (let n = 0; n < 3_000; n++) known.add(`${n}`, [few], [answer('few', 8_192)])
  assert.deepEqual(known.of('segment', [few]).unknown, [few])
  assert.deepEqual(known.of('2999', [few]).unknown, [])
})

test('windows of samples that no segment holds are looked up one by one: each sample is a candidate', async () => {
  const size = 65_536
  const upTo = 10 * size
  const files = [{ id: 1, path: '1', firstId: 1, lastId: size, samples: size, bytes: 0 }]
  const unindexed = Uint32Array.from({ length: upTo - size }, (_, n) => size + n + 1)
  const pool = { run: async () => ({ candidates: [], use: { reads: 1, bytes: 1, microseconds: 1 } }) }
  const sources = sourcesOf({ pool, workers: 100, segments: files, unindexed })
  let begun = 0
  const span: Span = {
    child(name) {
      if (name === 'hunt.look-up') begun++
      return span
    },
    set() {},
    end() {},
  }
  const question = { ...everythingUpTo(upTo), span }
  for await (const { sample } of candidates(sources, question)) {
    assert.equal(sample, size + 1)
    break
  }
  assert.equal(begun, 2)
})
