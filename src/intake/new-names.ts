/**
 * Matches samples once more that came under a new name, with those enabled rulesets that ask for names. Their content is
 * the same as ever, so nothing else is done with them; they stay processed, and hunts go on to cover them.
 *
 *   arrival of a known content ──▶ row in `new_names` ──scan under all its names──▶ matches recorded, row gone
 *
 * The row is written with the arrival and goes with its matches, so a kill in between loses nothing. A sample that waits
 * in the queue under its first name has its turn here when it is processed.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Rulesets } from '../rulesets/index.ts'
import type { KnownName } from '../samples/index.ts'
import { asksForNames, type Log, type WorkerPool } from '../scanning/index.ts'
import type { ContentStore, Store } from '../store/index.ts'
import type { MatchRecord } from './completion.ts'
import { Rounds } from './rounds.ts'
import { type ItemAgain, itemAgain, recordAgain, scanAgain } from './scanning-again.ts'

interface NewNamesParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly log: Log
  /** Larger samples are not matched. */
  readonly scanBytes: number
}

const AT_ONCE = 64

export class NewNames {
  readonly #parts: NewNamesParts
  readonly #rounds: Rounds
  /** Rows wait for samples that are in the queue still. */
  #isWaiting = false

  constructor(parts: NewNamesParts) {
    this.#parts = parts
    this.#rounds = new Rounds(
      (signal) => this.#matchSome(signal),
      (err) => parts.log.error({ err }, 'samples could not be matched under new names now, and are tried again'),
    )
  }

  /** There may be new names. */
  wake(): void {
    this.#rounds.wake()
  }

  wakeForProcessed(): void {
    if (this.#isWaiting) this.wake()
  }

  idle(): Promise<void> {
    return this.#rounds.idle()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** False when nothing is left to do now. */
  async #matchSome(signal: AbortSignal): Promise<boolean> {
    const { store, rulesets } = this.#parts
    // Set before looking: a sample may be processed between the two questions.
    this.#isWaiting = true
    const renamed = await store.newNames.findProcessed(AT_ONCE)
    if (renamed.length === 0) {
      this.#isWaiting = !(await store.newNames.isEmpty())
      return false
    }
    const ids = renamed.map(({ id }) => id)
    const live = await rulesets.liveSet()
    const asking = live.rulesets.filter(asksForNames)
    // Nobody asks: which names there are does not matter.
    const names = asking.length === 0 ? new Map<number, KnownName[]>() : await store.arrivals.names(ids)
    const items: ItemAgain[] = []
    for (const { id, sha256, size, fileType } of renamed) {
      const [first, ...others] = names.get(id) ?? []
      if (first === undefined || sha256 === null || size > this.#parts.scanBytes) continue
      items.push(await itemAgain(rulesets, { id, sha256, size, fileType }, [first, ...others], asking))
    }
    const again = { set: 'names', generation: live.generation, rulesets: asking }
    const results = await scanAgain(this.#parts, items, again, { priority: 'live', signal })
    await recordAgain(this.#parts, live, results, async (tx) => {
      // Rows stay where a sample has other names by now; which ones does not matter where nobody asks.
      const present = asking.length === 0 ? names : await tx.arrivals.names(ids)
      await tx.newNames.delete(ids.filter((id) => isDeepStrictEqual(present.get(id), names.get(id))))
    })
    return true
  }
}
