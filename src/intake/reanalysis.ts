/**
 * Matches stored samples again with everything that is enabled, because somebody asked for it.
 *
 *   request ──▶ row in `reanalyses` ══ ──scan in the background──▶ matches recorded, row removed, in one transaction
 *
 * A sample has one row however often it is asked for, so there is never more to do than there are samples. A restart goes
 * on with the rows that are left. Where the enabled rulesets changed during a scan, its samples are scanned once more.
 */
import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import type { Sample } from '../samples/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { ContentStore, Store, WaitingSample } from '../store/index.ts'
import type { MatchRecord } from './completion.ts'
import { Rounds } from './rounds.ts'
import { type ItemAgain, itemAgain, recordAgain, scanAgain } from './scanning-again.ts'

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

const AT_ONCE = 64

export class Reanalysis {
  readonly #parts: ReanalysisParts
  readonly #rounds: Rounds

  constructor(parts: ReanalysisParts) {
    this.#parts = parts
    this.#rounds = new Rounds(
      (signal) => this.#matchSome(signal),
      (err) => parts.log.error({ err }, 'samples could not be matched again now, and are tried later'),
    )
  }

  /** Goes on with what an earlier process left. */
  start(): void {
    this.#rounds.wake()
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
    if (added.size > 0) this.#rounds.wake()
    return samples.map((sample) => refused(sample) ?? (added.has(sample.id) ? 'queued' : 'waiting'))
  }

  /** Resolves when no sample waits. */
  idle(): Promise<void> {
    return this.#rounds.idle()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** False when nothing is left. */
  async #matchSome(signal: AbortSignal): Promise<boolean> {
    const { store, rulesets } = this.#parts
    const waiting = await store.reanalyses.findOldest(AT_ONCE)
    if (waiting.length === 0) return false
    const live = await rulesets.liveSet()
    const items = live.rulesets.length === 0 ? [] : await this.#itemsOf(live, waiting)
    const results = await scanAgain(this.#parts, items, { set: 'again', ...live }, { priority: 'background', signal })
    await recordAgain(this.#parts, live, results, (tx) => tx.reanalyses.delete(waiting.map(({ id }) => id)))
    return true
  }

  async #itemsOf(live: LiveSet, waiting: readonly WaitingSample[]): Promise<ItemAgain[]> {
    const { store, rulesets } = this.#parts
    const names = await store.arrivals.names(waiting.map(({ id }) => id))
    const items: ItemAgain[] = []
    for (const { id, sha256, size, fileType, name } of waiting) {
      if (sha256 === null) continue
      const [first = { name, folder: '', owner: '' }, ...others] = names.get(id) ?? []
      items.push(await itemAgain(rulesets, { id, sha256, size, fileType }, [first, ...others], live.rulesets))
    }
    return items
  }
}
