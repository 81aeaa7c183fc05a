/** One piece of work on a source at a time, few over all, and what each is about. */
import pLimit from 'p-limit'

export interface Activity {
  readonly kind: 'preview' | 'synchronization'
  readonly phase: 'waiting' | 'fetching' | 'checking' | 'saving'
  readonly done: number
  readonly total: number
}

const AT_ONCE = 2

export class SourceTurns {
  readonly #turns = pLimit(AT_ONCE)
  /** By source, what ends its latest work, and the end of that. */
  readonly #work = new Map<number, { readonly abort: AbortController; readonly ended: Promise<unknown> }>()
  readonly #activities = new Map<number, Activity>()
  #isStopped = false

  activityOf(id: number): Activity | null {
    return this.#activities.get(id) ?? null
  }

  show(id: number, activity: Activity): void {
    if (this.#work.has(id)) this.#activities.set(id, activity)
  }

  /** Runs the work after what is under way on the source. Rejects with an AbortError when it is interrupted. */
  async run<T>(id: number, kind: Activity['kind'], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const before = this.#work.get(id)
    const abort = new AbortController()
    const ended = (async () => {
      await before?.ended.catch(() => undefined)
      return this.#turns(async () => {
        if (this.#isStopped) abort.abort()
        abort.signal.throwIfAborted()
        this.#activities.set(id, { kind, phase: 'fetching', done: 0, total: 0 })
        return work(abort.signal)
      })
    })()
    const entry = { abort, ended }
    this.#work.set(id, entry)
    if (!this.#activities.has(id)) this.#activities.set(id, { kind, phase: 'waiting', done: 0, total: 0 })
    try {
      return await ended
    } finally {
      if (this.#work.get(id) === entry) {
        this.#work.delete(id)
        this.#activities.delete(id)
      }
    }
  }

  /** Ends what is under way on a source, and waits for it. */
  async interrupt(id: number): Promise<void> {
    const work = this.#work.get(id)
    work?.abort.abort()
    await work?.ended.catch(() => undefined)
  }

  /** Ends everything, and lets nothing begin any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const all = [...this.#work.values()]
    for (const { abort } of all) abort.abort()
    await Promise.allSettled(all.map(({ ended }) => ended))
  }
}
