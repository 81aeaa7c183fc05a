/** When sources are fetched by themselves: at intervals, and again after a failure. */
import { setTimeout as pause } from 'node:timers/promises'
import { Loop } from '../background/index.ts'
import type { Log } from '../scanning/index.ts'
import { type Micros, now, type SourceUpdates, type Store } from '../store/index.ts'

/** The key of the setting; '' stands for the default. */
const INTERVAL = 'rule-sources.interval'

const SECOND = 1_000_000
const FIRST_RETRY = 5 * SECOND
const LONGEST_RETRY = 3_600 * SECOND
const PAUSE_AFTER_DEFECT_MS = 60_000

export class Schedule {
  readonly #store: Store
  readonly #defaultSeconds: number
  /** Never rejects for what is wrong with a source. */
  readonly #synchronize: (id: number) => Promise<unknown>
  readonly #log: Log
  readonly #underWay = new Map<number, Promise<unknown>>()
  readonly #loop = new Loop()
  readonly #stopping = new AbortController()

  constructor(store: Store, defaultSeconds: number, synchronize: (id: number) => Promise<unknown>, log: Log) {
    this.#store = store
    this.#defaultSeconds = defaultSeconds
    this.#synchronize = synchronize
    this.#log = log
  }

  start(): void {
    this.#loop.start(async () => {
      try {
        return await this.#look()
      } catch (error) {
        this.#log.error({ err: error }, 'it could not be read which rule sources are due')
        return PAUSE_AFTER_DEFECT_MS
      }
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop.stop()
    await Promise.allSettled(this.#underWay.values())
  }

  /** Looks what is due; to be called whenever that may have changed. */
  wake(): void {
    this.#loop.wake()
  }

  /** Between two fetches, in seconds; 0: sources are fetched when somebody asks. */
  async interval(): Promise<number> {
    const kept = await this.#store.settings.find(INTERVAL)
    return kept === null || kept === '' ? this.#defaultSeconds : Number(kept)
  }

  /** Null: what the setting says. */
  async setInterval(seconds: number | null): Promise<void> {
    await this.#store.settings.set(INTERVAL, seconds === null ? '' : String(seconds))
    await this.#store.ruleSources.reschedule(await this.nextDue('known', now()), { failed: false })
    this.wake()
  }

  /** After a fetch that ended well. */
  async nextDue(updates: SourceUpdates, from: Micros): Promise<Micros | null> {
    const seconds = await this.interval()
    return updates === 'none' || seconds === 0 ? null : from + seconds * SECOND
  }

  /** After so many failures in a row, with some chance in it so that many do not come back at one time. */
  retryAt(failures: number, from: Micros): Micros {
    const grown = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** (failures - 1))
    return from + Math.round(grown * (0.75 + Math.random() / 4))
  }

  /** Gives the milliseconds until it is to be called again. */
  async #look(): Promise<number> {
    const { ruleSources } = this.#store
    for (const id of await ruleSources.findDue(now())) {
      if (this.#underWay.has(id)) continue
      const ended = this.#synchronize(id)
        .catch(async (error: unknown) => {
          this.#log.error({ err: error }, 'a rule source could not be synchronized')
          // It is due still: nothing could be recorded.
          const { signal } = this.#stopping
          await pause(PAUSE_AFTER_DEFECT_MS, undefined, { signal }).catch(() => undefined)
        })
        .finally(() => {
          this.#underWay.delete(id)
          this.wake()
        })
      this.#underWay.set(id, ended)
    }
    const due = await ruleSources.nextDue([...this.#underWay.keys()])
    return due === null ? Number.POSITIVE_INFINITY : Math.max(10, (due - now()) / 1_000)
  }
}
