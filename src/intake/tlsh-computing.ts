/**
 * Computes the TLSH of samples after they are processed, and not with the rest: it takes a worker as long as all else that
 * is done with a byte when it arrives.
 *
 *   processed, or migration ──▶ row in `tlsh_to_compute` ──computed in the background──▶ digest recorded, row removed
 *
 * Samples that arrive come first: while there are any, one worker computes for a fiftieth of the time. Otherwise it does so for a
 * quarter, since somebody may hunt. A restart goes on with the rows that are left.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log, WorkerPool } from '../scanning/index.ts'
import { type ContentStore, type Store, whileLeased } from '../store/index.ts'
import { isOfTheSample } from './examination.ts'
import { Rounds } from './rounds.ts'

interface TlshComputingParts {
  readonly store: Pick<Store, 'tlsh' | 'transaction'>
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly log: Log
  /** Whether samples arrive now. */
  readonly isBusy: () => boolean
}

type ToCompute = Awaited<ReturnType<Store['tlsh']['findToCompute']>>[number]

const AT_ONCE = 32
/** While samples arrive: the pause before looking for samples, and the one after each of them. */
const LOOKING_PAUSE_MS = 1_000
const LEAST_PAUSE_MS = 25
/** That a worker does in a millisecond. */
const BYTES_IN_A_MS = 100_000
/** For so many times what a sample took it pauses while samples arrive, and otherwise. */
const PAUSES = { busy: 50, quiet: 3 } as const
const LOOK_MS = 100

export class TlshComputing {
  readonly #parts: TlshComputingParts
  readonly #rounds: Rounds

  constructor(parts: TlshComputingParts) {
    this.#parts = parts
    this.#rounds = new Rounds(
      (signal) => this.#computeSome(signal),
      (err) => parts.log.error({ err }, 'the TLSH of samples could not be computed now, and is tried again'),
    )
  }

  /** There may be samples that have none yet. */
  wake(): void {
    this.#rounds.wake()
  }

  /** Resolves when no sample waits. */
  idle(): Promise<void> {
    return this.#rounds.idle()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** False when nothing is left. */
  async #computeSome(signal: AbortSignal): Promise<boolean> {
    const { store } = this.#parts
    await this.#giveWay(LOOKING_PAUSE_MS, signal)
    const waiting = await store.tlsh.findToCompute(AT_ONCE)
    if (waiting.length === 0) return false
    const computed: { readonly sample: number; readonly digest: Uint8Array | null }[] = []
    for (const sample of waiting) {
      computed.push({ sample: sample.id, digest: await this.#compute(sample, signal) })
      const tookMs = sample.size / BYTES_IN_A_MS
      await delay(PAUSES.quiet * tookMs, undefined, { signal })
      await this.#giveWay(LEAST_PAUSE_MS + (PAUSES.busy - PAUSES.quiet) * tookMs, signal)
    }
    await store.transaction('recordTlsh', (tx) => tx.tlsh.record(computed))
    return true
  }

  /** Null also where nothing can be known: the content is gone, or ends every worker. */
  async #compute({ sha256, size }: ToCompute, signal: AbortSignal): Promise<Uint8Array | null> {
    const { contents, pool } = this.#parts
    if (sha256 === null) return null
    try {
      const { digest } = await whileLeased(contents, sha256, (path) =>
        pool.run('tlsh', { path, size }, { priority: 'background', waitForRoom: true, signal }),
      )
      return digest
    } catch (error) {
      if (signal.aborted || !isOfTheSample(error)) throw error
      return null
    }
  }

  /** Waits for so long at most, and only while samples arrive. */
  async #giveWay(ms: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + ms
    while (this.#parts.isBusy()) {
      const left = until - performance.now()
      if (left <= 0) return
      await delay(Math.min(LOOK_MS, left), undefined, { signal })
    }
  }
}
