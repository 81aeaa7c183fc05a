/**
 * A corpus scan decides which of the stored samples a rule set matches, in ascending order of sample id.
 *
 * The samples are taken in *windows*: neighbouring segments, together some 65,000 samples, and more where few of them
 * turn out to be candidates. Within a window every segment is asked which (sample, ruleset) pairs its plans cannot rule
 * out; those pairs, and every sample that no live segment holds, are then scanned by the engine in batches, several at
 * a time but handed out in order. So after each checkpoint "everything up to this id is decided" is true, which is all
 * that a hunt needs to remember to go on after a restart. Only hits may come earlier, where a batch holds up those behind
 * it. Where nodes have room for more segments than a window has, and few samples are candidates, later windows are looked up
 * meanwhile.
 *
 *   ids      1 ─────────────── 900 │ 901 ───────────── 70,000 │ 70,001 …
 *   window   segments A, B, C      │ segment D, unindexed 950 │ …
 *   results  ▇▇▇ ▇▇▇▇▇▇ ▇▇         │ ▇▇▇▇ …                     each with its hits
 *
 * A segment that turns out damaged is reported, and its samples are scanned plainly: slower, never less.
 */
import { basename } from 'node:path'
import { Failure } from '../errors/index.ts'
import type { IndexUse, JobInput, JobOutput, Jobs, SampleToVerify } from '../jobs/index.ts'
import { memoized } from '../planner/index.ts'
import { asksForNames, type Priority, type RuleSet, WorkerLost, type WorkerPool } from '../scanning/index.ts'
import type { SegmentFile, Segments } from '../segments/index.ts'
import type { DatabaseHealth } from '../store/index.ts'
import { type Span, type Tracing, within } from '../tracing/index.ts'
import { type Candidate, groupCandidatesBySample } from './candidates.ts'
import { type Checkpoint, nothing } from './checkpoint.ts'
import type { Corpus } from './corpus.ts'
import { decidedByNames } from './deciding-by-names.ts'
import type { KnownCandidates } from './known-candidates.ts'
import type { KnownMisses } from './known-misses.ts'
import { lookingAhead } from './looking-ahead.ts'
import { retryWhenAway } from './retry-when-away.ts'
import { groupsByCandidates } from './scan-groups.ts'
import type { TextPlans } from './text-parts.ts'
import { handOut, Turn } from './turns.ts'
import { FEW_CANDIDATES, restricted, sizeOf, type Window, WindowSize, windows } from './windows.ts'

export interface ScanSources {
  readonly pool: WorkerPool
  readonly jobs: Jobs
  readonly segments: Segments
  readonly corpus: Corpus
  readonly plans: TextPlans
  readonly indexUse: IndexUse
  readonly known: KnownCandidates
  readonly misses: KnownMisses
  /** A corpus scan fails as soon as the database is known to be damaged: it may have missed samples. */
  readonly health: DatabaseHealth
  readonly tracing: Tracing
}

/** Which samples are asked about, and on whose behalf. */
export interface Question {
  /** Known to the pool for as long as it is asked about. */
  readonly ruleSet: RuleSet
  /** Samples with `after < id <= upTo` are decided. */
  readonly after: number
  readonly upTo: number
  /** Ascending ids that the scan is restricted to; null for all. */
  readonly only: Uint32Array | null
  /** False takes every sample for a candidate, for comparison. */
  readonly useIndex: boolean
  readonly priority: Priority
  /** Tasks of one group take turns with those of other groups. */
  readonly group: string
  readonly signal: AbortSignal
  /** What this is a part of, where that is traced. */
  readonly span?: Span | null
}

export interface CorpusScanOptions extends Question {
  /** Whether hits carry the matching strings. */
  readonly strings: boolean
  /** Samples larger than this many bytes are skipped and counted. */
  readonly scanLimit: number
}

/** Below the length of the pool's queue, so that others find room in it. */
const SEGMENTS_AT_ONCE = 128
const BATCH_BYTES = 4 * 1024 * 1024

/** Windows without any candidate are stored together: looking many of them up takes less time than storing each. */
const TOGETHER_MS = 500

export async function* scanCorpus(sources: ScanSources, options: CorpusScanOptions): AsyncGenerator<Checkpoint> {
  let stored = performance.now()
  let reached = options.after
  for await (const { candidates, upTo } of candidatesByWindow(sources, options)) {
    const groups = groupsByCandidates(candidates, options.ruleSet.rulesets)
    if (groups !== null) sources.pool.arrange(options.ruleSet.id, groups)
    let decided: Checkpoint | null = null
    const verification = options.span?.child('hunt.verify', { 'backtrail.candidates': candidates.length })
    let bytes = 0
    try {
      for await (const checkpoint of scanInOrder(candidates, sources, options)) {
        if (checkpoint.upTo === 0) {
          yield { ...checkpoint, upTo: reached }
          continue
        }
        bytes += checkpoint.scannedBytes
        if (decided) {
          reached = decided.upTo
          yield decided
        }
        decided = checkpoint
      }
    } finally {
      verification?.set({ 'backtrail.bytes': bytes })
      verification?.end()
    }
    sources.health.demandSound()
    if (decided === null && upTo < options.upTo && performance.now() - stored < TOGETHER_MS) continue
    // The last checkpoint of a window decides everything up to the window's end: nothing else in it is a candidate.
    reached = upTo
    yield { ...(decided ?? nothing), upTo }
    stored = performance.now()
  }
}

/** The samples that the index cannot rule out, by ascending id, without scanning any. */
export async function* candidates(sources: ScanSources, question: Question): AsyncGenerator<Candidate> {
  for await (const window of candidatesByWindow(sources, question)) yield* window.candidates
}

async function* candidatesByWindow(sources: ScanSources, question: Question) {
  // Looking up begins meanwhile; nothing is told before.
  const isWhole = sources.corpus.demandWhole()
  isWhole.catch(() => {})
  sources.health.demandSound()
  const snapshot = question.useIndex ? await sources.segments.snapshot() : await everything(sources, question)
  try {
    const size = new WindowSize()
    const lookUp = (window: Window) =>
      within(question.span, 'hunt.look-up', sizeOf(window), async (span) => {
        const found = await candidatesOf(window, sources, { ...question, span })
        span?.set({ 'backtrail.candidates': found.length })
        return found
      })
    // With many nodes one window does not keep all of them busy. Where many are candidates, scanning them does.
    const isWanted = (underWay: readonly Window[]) =>
      size.fewAreCandidates &&
      underWay.every(({ unindexed }) => unindexed.length <= FEW_CANDIDATES) &&
      underWay.reduce((sum, { segments }) => sum + segments.length, 0) < sources.jobs.width
    const windowsInOrder = windows(snapshot, question, size)
    for await (const { item: window, result: found } of lookingAhead(windowsInOrder, lookUp, isWanted)) {
      await isWhole
      size.adapt(found.length)
      yield { candidates: found, upTo: Math.min(window.upTo, question.upTo) }
    }
  } finally {
    snapshot.release()
  }
}

/** The corpus as if no segment held any of it. */
async function everything({ corpus }: ScanSources, { after, upTo }: Question) {
  return { segments: [], unindexed: await corpus.processedIds(after, upTo), release: () => {} }
}

/** Asks the window's segments, and merges their answers with the samples that have to be scanned plainly. */
async function candidatesOf(window: Window, sources: ScanSources, question: Question): Promise<Candidate[]> {
  const plain = [window.unindexed]
  const candidates: Candidates[] = []
  for (let start = 0; start < window.segments.length; start += SEGMENTS_AT_ONCE) {
    const some = window.segments.slice(start, start + SEGMENTS_AT_ONCE)
    const ask = (segment: SegmentFile, place: number) => {
      const parent = start + place < SEGMENTS_SHOWN ? question.span : null
      const about = { 'backtrail.segment': segment.id, 'backtrail.samples': segment.samples }
      return within(parent, 'hunt.segment', about, () => evaluated(segment, sources, question))
    }
    for (const answer of await Promise.all(some.map(ask))) {
      if (answer.damaged) plain.push(answer.damaged)
      else candidates.push(...answer.candidates)
    }
  }
  return groupCandidatesBySample(candidates, plain)
}

type Candidates = JobOutput<'evaluate'>['candidates'][number]

/** A trace shows the first segments of a window one by one: of thousands nobody would look at each. */
const SEGMENTS_SHOWN = 16

/** The candidates of one segment or, where it is damaged, the ids of all samples that it may hold. */
async function evaluated(
  segment: SegmentFile,
  sources: ScanSources,
  { ruleSet, after, upTo, only, priority, group, signal }: Question,
): Promise<{ damaged: null; candidates: readonly Candidates[] } | { damaged: Uint32Array }> {
  const { jobs, corpus, segments, indexUse, known, misses } = sources
  const file = basename(segment.path)
  const evaluate = async (narrowed: Partial<JobInput<'evaluate'>>) => {
    const whole = { segment: file, after, upTo, only, rulesets: null, names: null }
    const how = { ruleSet: ruleSet.id, priority, group, signal }
    const run = () => jobs.run('evaluate', { ...whole, ...narrowed }, how)
    const { candidates, use } = await retryWhenAway(run, signal)
    indexUse.add(use)
    return candidates
  }
  const ofAll = async () => {
    const { rulesets } = ruleSet
    const { candidates, unknown } = known.of(file, rulesets)
    if (unknown.length === 0) return candidates
    const asked = unknown.length === rulesets.length ? null : unknown.map(({ key }) => key)
    const answered = await evaluate({ rulesets: asked })
    known.add(file, unknown, answered)
    return [...candidates, ...answered]
  }
  const isAboutAll = only === null && after < segment.firstId && upTo >= segment.lastId
  try {
    const candidates = await (isAboutAll ? ofAll() : evaluate({}))
    const decided = await decidedByNames(candidates, sources, evaluate)
    return { damaged: null, candidates: misses.left(ruleSet, decided) }
  } catch (error) {
    const isDamaged = error instanceof Failure && error.code === 'segment.damaged'
    // Plans that every worker is lost over rule nothing out, neither for the ruleset at fault nor for the others.
    if (!isDamaged && !(error instanceof WorkerLost)) throw error
    // By range and not by membership: the segment may have been merged away since the snapshot was taken.
    const ids = await corpus.processedIds(segment.firstId - 1, segment.lastId)
    if (isDamaged) await segments.reportDamage(segment.id, error.message)
    return { damaged: restricted(ids, after, upTo, only) }
  }
}

/**
 * Batches that may wait, scanned, for an earlier one: a large sample does not hold up the scanning of those behind it.
 */
const AHEAD = 64

/**
 * Scans the candidates in batches, a few at a time, and hands the results out in the order of the candidates, as `handOut`
 * does: hits before their turn have no `upTo`.
 */
async function* scanInOrder(
  candidates: readonly Candidate[],
  sources: ScanSources,
  options: CorpusScanOptions,
): AsyncGenerator<Checkpoint> {
  const batchSize = new AdaptiveBatch()
  const scan = (batch: Batch) => scanBatch(batch, sources, options, batchSize)
  const largestFirst = new LargestFirst(options.ruleSet.rulesets.length, scan)
  const turns: Turn[] = []
  try {
    for await (const batch of batches(candidates, sources.corpus, options, batchSize, largestFirst)) {
      options.signal.throwIfAborted()
      turns.push(new Turn(largestFirst.take(batch) ?? scan(batch)))
      yield* handOut(turns, (underWay) => underWay < sources.jobs.width && turns.length <= AHEAD)
    }
    yield* handOut(turns, () => false)
  } finally {
    await Promise.allSettled(turns.map(({ scanned }) => scanned))
    await largestFirst.end()
  }
}

/**
 * How many samples go into a batch: as many as are scanned in a quarter of a second or so. Rules differ by a factor of
 * a million in what they cost, and a hunt's progress, its turns and its stopping all wait for the end of a batch.
 */
class AdaptiveBatch {
  samples = 1

  /** How long the latest took. */
  adapt(tookMs: number): void {
    if (tookMs < 150) this.samples = Math.min(256, this.samples * 2)
    else if (tookMs > 500) this.samples = Math.max(1, Math.floor(this.samples / 2))
  }
}

interface Batch {
  readonly items: readonly SampleToVerify[]
  readonly upTo: number
  readonly skipped: number
}

/** Candidates looked up per query. */
const LOOKED_UP = 256

/**
 * Candidates with what a scan needs to know about them; samples that were deleted meanwhile are left out. Large samples
 * are batches by themselves, and are offered to `LargestFirst`.
 */
async function* batches(
  candidates: readonly Candidate[],
  corpus: Corpus,
  { ruleSet, scanLimit }: CorpusScanOptions,
  batchSize: AdaptiveBatch,
  largestFirst: LargestFirst,
): AsyncGenerator<Batch> {
  const names = ruleSet.rulesets.some(asksForNames)
  for (let start = 0; start < candidates.length; start += LOOKED_UP) {
    const some = candidates.slice(start, start + LOOKED_UP)
    const scannable = await corpus.scannable(
      some.map(({ sample }) => sample),
      names,
    )
    const found = some.flatMap(({ sample, rulesets }) => {
      const details = scannable.get(sample)
      return details ? [{ sample, ...details, rulesets }] : []
    })
    const large = new Map(
      found
        .filter(({ size }) => size > BATCH_BYTES && size <= scanLimit)
        .map((item): [number, Batch] => [item.sample, { items: [item], upTo: item.sample, skipped: 0 }]),
    )
    largestFirst.offer([...large.values()])
    let items: SampleToVerify[] = []
    let bytes = 0
    let skipped = 0
    for (const item of found) {
      const byItself = large.get(item.sample)
      if (items.length > 0 && (byItself || items.length >= batchSize.samples || bytes + item.size > BATCH_BYTES)) {
        yield { items, upTo: items.at(-1)?.sample ?? 0, skipped }
        items = []
        bytes = 0
        skipped = 0
      }
      if (byItself) yield byItself
      else if (item.size > scanLimit) skipped++
      else {
        items.push(item)
        bytes += item.size
      }
    }
    if (items.length > 0 || skipped > 0) yield { items, upTo: some.at(-1)?.sample ?? 0, skipped }
  }
}

/**
 * The heaviest of the large samples ahead is scanned beside those whose turn it is, one at a time: when its turn came,
 * it would be the last to end, and the other workers would wait for it.
 */
class LargestFirst {
  readonly #rulesets: number
  readonly #scan: (batch: Batch) => Promise<Checkpoint>
  /** The heaviest is the last. */
  #ahead: Batch[] = []
  readonly #begun = new Map<Batch, Promise<Checkpoint>>()
  #isBusy = false

  /** `rulesets`: how many there are in all. */
  constructor(rulesets: number, scan: (batch: Batch) => Promise<Checkpoint>) {
    this.#rulesets = rulesets
    this.#scan = scan
  }

  offer(large: readonly Batch[]): void {
    const weight = ({ items: [item] }: Batch) => (item?.size ?? 0) * (item?.rulesets?.length ?? this.#rulesets)
    this.#ahead = [...this.#ahead, ...large].sort((a, b) => weight(a) - weight(b))
    this.#beginNext()
  }

  /** The scan of a batch whose turn has come, if it was begun. */
  take(batch: Batch): Promise<Checkpoint> | null {
    this.#ahead = this.#ahead.filter((other) => other !== batch)
    const begun = this.#begun.get(batch) ?? null
    this.#begun.delete(batch)
    return begun
  }

  /** Resolves when nothing is being scanned any more, and begins nothing more. */
  async end(): Promise<void> {
    this.#ahead = []
    await Promise.allSettled(this.#begun.values())
  }

  #beginNext(): void {
    const batch = this.#isBusy ? undefined : this.#ahead.pop()
    if (batch === undefined) return
    this.#isBusy = true
    const scanned = this.#scan(batch)
    this.#begun.set(batch, scanned)
    const end = () => {
      this.#isBusy = false
      this.#beginNext()
    }
    scanned.then(end, end)
  }
}

async function scanBatch(
  batch: Batch,
  { jobs, misses }: ScanSources,
  options: CorpusScanOptions,
  batchSize: AdaptiveBatch,
): Promise<Checkpoint> {
  const base = { ...nothing, upTo: batch.upTo, skipped: batch.skipped }
  if (batch.items.length === 0) return base
  const { priority, group, signal, strings } = options
  const { items } = batch
  const scan = () => jobs.run('verify', { items, strings }, { ruleSet: options.ruleSet.id, priority, group, signal })
  const { results, scannedBytes, tookMs } = await retryWhenAway(scan, signal)
  batchSize.adapt(tookMs)
  misses.add(options.ruleSet, items, results)
  const texts = textsCounted(options.ruleSet)
  const unreadable = results.flatMap(({ sample, errors: [first] }) =>
    first?.reason === 'unreadable' ? [{ sample, message: first.message }] : [],
  )
  return {
    ...base,
    skipped: base.skipped + unreadable.length,
    unreadable,
    hits: results.filter(({ hits }) => hits.length > 0),
    errors: results.filter(({ errors: [first] }) => first && first.reason !== 'unreadable'),
    candidates: batch.items.reduce((sum, { rulesets }) => sum + texts(rulesets), 0),
    scannedBytes,
  }
}

/** How many texts some rulesets are of; null for all of the set. The parts of a text count as one. */
const textsCounted = memoized(({ rulesets }: RuleSet) => {
  const texts = new Map(rulesets.map(({ key, part }) => [key, part?.text ?? key]))
  const all = new Set(texts.values()).size
  return (keys: readonly string[] | null) => (keys === null ? all : new Set(keys.map((key) => texts.get(key))).size)
})
