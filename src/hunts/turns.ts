/**
 * Batches are scanned several at a time and handed out in order. One that takes long, a large sample or a slow rule, would
 * keep the hits of all behind it from the user: those are handed out before their turn, while what is decided waits.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Checkpoint, nothing } from './checkpoint.ts'

/** How long a batch may hold up the hits of those behind it. */
const HELD_UP_MS = 500

/** A batch in its order. */
export class Turn {
  readonly scanned: Promise<Checkpoint>
  readonly #began = performance.now()
  /** What is still to be handed out of it, once it was scanned. */
  #result: Checkpoint | null = null
  #isOver = false

  constructor(scanned: Promise<Checkpoint>) {
    this.scanned = scanned
    // A rejection is seen when the turn has come, which is after those before it.
    scanned.then(
      (result) => {
        this.#result = result
        this.#isOver = true
      },
      () => {
        this.#isOver = true
      },
    )
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Milliseconds until the hits of those behind it are handed out before its own. */
  get patience(): number {
    return this.#began + HELD_UP_MS - performance.now()
  }

  get hasHits(): boolean {
    return this.#result !== null && this.#result.hits.length > 0
  }

  /** Its hits before its turn, which then has the rest. */
  takeHits(): Checkpoint['hits'] {
    if (this.#result === null) return []
    const { hits } = this.#result
    this.#result = { ...this.#result, hits: [] }
    return hits
  }

  async result(): Promise<Checkpoint> {
    const scanned = await this.scanned
    return this.#result ?? scanned
  }
}

/**
 * Hands out what there is until there is room for another batch, or no batch is left. Hits before their turn are a
 * checkpoint whose `upTo` is 0.
 */
export async function* handOut(turns: Turn[], hasRoom: (underWay: number) => boolean): AsyncGenerator<Checkpoint> {
  for (let [first] = turns; first !== undefined; [first] = turns) {
    if (first.isOver) {
      turns.shift()
      yield await first.result()
      continue
    }
    const underWay = turns.filter(({ isOver }) => !isOver)
    if (hasRoom(underWay.length)) return
    const isHeldUp = turns.some(({ hasHits }) => hasHits)
    if (isHeldUp && first.patience <= 0) yield { ...nothing, hits: turns.flatMap((turn) => turn.takeHits()) }
    else await firstOf(underWay, isHeldUp ? first.patience : null)
  }
}

/** Resolves when one of them is over, or after some milliseconds. */
async function firstOf(turns: readonly Turn[], milliseconds: number | null): Promise<void> {
  const scanned = Promise.race(turns.map(({ scanned }) => scanned)).then(
    () => {},
    () => {},
  )
  if (milliseconds === null) return scanned
  const ended = new AbortController()
  const waited = delay(milliseconds, undefined, { signal: ended.signal }).catch(() => {})
  await Promise.race([scanned, waited])
  ended.abort()
}
