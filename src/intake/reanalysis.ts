/**
 * Matches stored samples again with everything that is enabled, because somebody asked for it.
 *
 *   request ──▶ row in `reanalyses` ══ ──scan in the background──▶ matches recorded, row removed, in one transaction
 *
 * A sample has one row however often it is asked for, so there is never more to do than there are samples. A restart goes
 * on with the rows that are left. Where the enabled rulesets changed during a scan, its samples are scanned once more.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import { externalVariables, nameVariables, type Sample } from '../samples/index.ts'
import type { Log, TaskInput, TaskOutput, WorkerPool } from '../scanning/index.ts'
import { type ContentStore, now, type Store, type WaitingSample, whileAllLeased } from '../store/index.ts'
import type { MatchRecord } from './completion.ts'

interface ReanalysisParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly log: Log
  /** Larger samples are not matched. */
  readonly scanBytes: number
}

/**
 * What becomes of a request: `queued` it waits from now on, `waiting` it did already (also a sample that the pipeline
 * has yet to match), `gone` the content is not here, `too-large` it is never matched.
 */
export type Requested = 'queued' | 'waiting' | 'gone' | 'too-large'

type Item = Omit<TaskInput<'verify'>['items'][number], 'path'>
type Results = TaskOutput<'verify'>['results']

const AT_ONCE = 64
const RETRY_MS = 1_000

export class Reanalysis {
  readonly #parts: ReanalysisParts
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null
  #isMore = false

  constructor(parts: ReanalysisParts) {
    this.#parts = parts
  }

  /** Goes on with what an earlier process left. */
  start(): void {
    this.#wake()
  }

  /** Durable when it resolves; the answers stand in the order of the samples. */
  async request(samples: readonly Sample[]): Promise<Requested[]> {
    const refused = (sample: Sample): Requested | null => {
      if (!sample.stored) return 'gone'
      if (sample.size > this.#parts.scanBytes) return 'too-large'
      return sample.state === 'queued' ? 'waiting' : null
    }
    const ids = samples.filter((sample) => refused(sample) === null).map(({ id }) => id)
    const added = ids.length === 0 ? new Set() : await this.#parts.store.reanalyses.add(ids)
    if (added.size > 0) this.#wake()
    return samples.map((sample) => refused(sample) ?? (added.has(sample.id) ? 'queued' : 'waiting'))
  }

  /** Resolves when no sample waits. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The server is stopping.'))
    await this.#running
  }

  #wake(): void {
    this.#isMore = true
    if (this.#running !== null || this.#stopping.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = null
      if (this.#isMore) this.#wake()
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#isMore && !signal.aborted) {
      this.#isMore = false
      try {
        while (!signal.aborted && (await this.#matchSome())) {}
      } catch (error) {
        if (signal.aborted) return
        this.#parts.log.error({ err: error }, 'samples could not be matched again now, and are tried later')
        this.#isMore = true
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** False when nothing is left. */
  async #matchSome(): Promise<boolean> {
    const { store, rulesets } = this.#parts
    const waiting = await store.reanalyses.findOldest(AT_ONCE)
    if (waiting.length === 0) return false
    const live = await rulesets.liveSet()
    const items = live.rulesets.length === 0 ? [] : await this.#itemsOf(live, waiting)
    const results = items.length === 0 ? [] : await this.#scan(live, items)
    await this.#record(live, waiting, results)
    return true
  }

  async #itemsOf(live: LiveSet, waiting: readonly WaitingSample[]): Promise<Item[]> {
    const { store, rulesets } = this.#parts
    const names = await store.arrivals.names(waiting.map(({ id }) => id))
    const items: Item[] = []
    for (const { id, sha256, size, fileType, name } of waiting) {
      if (sha256 === null) continue
      const [first = { name, folder: '', owner: '' }, ...others] = names.get(id) ?? []
      const without = new Set(await rulesets.givenUpOn(id))
      items.push({
        sample: id,
        sha256,
        size,
        variables: externalVariables(first, fileType),
        alsoNamed: others.map(nameVariables),
        rulesets: live.rulesets.map(({ key }) => key).filter((key) => !without.has(key)),
      })
    }
    return items
  }

  async #scan({ generation, rulesets }: LiveSet, items: readonly Item[]): Promise<Results> {
    const { pool, contents } = this.#parts
    const id = `again:${generation}`
    pool.setRuleSet({ id, rulesets })
    try {
      const how = { priority: 'background', waitForRoom: true, signal: this.#stopping.signal } as const
      return await whileAllLeased(contents, items, async (leased) => {
        const { results } = await pool.run('verify', { ruleSet: id, items: leased, strings: false }, how)
        return results
      })
    } finally {
      pool.dropRuleSet(id)
    }
  }

  /** The rows stay where other rulesets are enabled by now. */
  async #record(live: LiveSet, waiting: readonly WaitingSample[], results: Results): Promise<void> {
    const { store, rulesets, matches } = this.#parts
    const isCurrent = await store.transaction('recordReanalysis', async (tx) => {
      if ((await rulesets.generation(tx)) !== live.generation) return false
      const at = now()
      for (const { sample, hits } of results) {
        if (hits.length > 0) await matches.record(tx, { sampleId: sample, hits, at })
      }
      await tx.reanalyses.delete(waiting.map(({ id }) => id))
      return true
    })
    if (!isCurrent) return
    for (const { sample, errors } of results) await rulesets.reportScanErrors(sample, errors)
  }
}
