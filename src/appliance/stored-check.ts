/**
 * Whether what is stored is sound: the database in itself, contents against rows, segments against contents. A part is
 * looked at in the background after each start; all of it on request (`backtrail check`).
 */
import { type ContentsReport, checkContents } from '../samples/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { CheckReport, Segments } from '../segments/index.ts'
import {
  type CheckDepth,
  type CheckedAtStart,
  type ContentStore,
  checkDatabase,
  type DatabaseHealth,
  type DatabaseState,
  now,
  type Store,
} from '../store/index.ts'

export interface StoredReport {
  /** What is wrong with the database; empty for nothing. */
  readonly database: readonly string[]
  readonly contents: ContentsReport
  readonly index: CheckReport
}

export type StoredPhase = 'database' | 'contents' | 'index'

export interface StoredCheckOptions {
  /** Compares the signature of every n-th sample only. */
  readonly each: number
  /** Reads neither contents nor signatures. */
  readonly quick?: boolean
  readonly signal: AbortSignal
  readonly onProgress?: (progress: {
    readonly phase: StoredPhase
    readonly done: number
    readonly total: number
  }) => void
}

/** What is known now. */
export interface Soundness {
  readonly database: { readonly state: DatabaseState; readonly problems: readonly string[] }
  /** Of the latest look at the contents; null before the first has ended. */
  readonly contents: ContentsReport | null
}

interface Parts {
  readonly store: Store
  /** Null where the database is no file of ours. */
  readonly databaseFile: string | null
  readonly health: DatabaseHealth
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly segments: Segments
  /** Damaged contents may have been set aside, and may come back as they were. */
  readonly onSetAside: () => void
  readonly log: Log
}

/** Up to this size the check after a start looks every row up in every index; a larger one is left to `backtrail check`. */
const CHECKED_WHOLLY = 256 * 1024 * 1024

export class StoredCheck {
  readonly #parts: Parts
  readonly #stopping = new AbortController()
  #background: Promise<void> = Promise.resolve()
  #contents: ContentsReport | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    const { health, log } = parts
    health.onDamage((problem) => {
      log.error({ problem }, 'the database is damaged; stop, and run "backtrail check" on the data folder')
    })
  }

  status(): Soundness {
    const { state, problems } = this.#parts.health
    return { database: { state, problems }, contents: this.#contents }
  }

  /** Throws `database.damaged` where the database is known to be. */
  demandSound(): void {
    this.#parts.health.demandSound()
  }

  /** Looks in the background at what the start had no time for. Not to be called for an object store, where each look is paid. */
  begin(checkedAtStart: CheckedAtStart, databaseBytes: number): void {
    const { log, health } = this.#parts
    const { signal } = this.#stopping
    const look = async () => {
      if (checkedAtStart !== 'full') {
        const depth = databaseBytes <= CHECKED_WHOLLY ? 'full' : 'quick'
        if (depth !== checkedAtStart) await health.during(() => this.#checkDatabase(depth, signal))
      }
      await this.#checkContents({ digests: false, isUnhurried: true, signal })
    }
    this.#background = look().catch((error) => {
      if (!signal.aborted) log.error({ err: error }, 'the check of what is stored did not come to its end')
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('Backtrail is stopping.'))
    await this.#background
  }

  /** All of it. Rejects with the signal's reason. */
  async run({ each, quick = false, signal: wanted, onProgress }: StoredCheckOptions): Promise<StoredReport> {
    const { segments, health } = this.#parts
    const signal = AbortSignal.any([wanted, this.#stopping.signal])
    const phase = (phase: StoredPhase) => (progress: { readonly done: number; readonly total: number }) =>
      onProgress?.({ phase, ...progress })
    phase('database')({ done: 0, total: 1 })
    await this.#checkDatabase(quick ? 'quick' : 'full', signal)
    const contents = await this.#checkContents({ digests: !quick, signal, onProgress: phase('contents') })
    const index = quick
      ? await segments.lookAtFiles()
      : await segments.check({ each, signal, onProgress: phase('index') })
    return { database: health.problems, contents, index }
  }

  async #checkDatabase(depth: CheckDepth, signal: AbortSignal): Promise<void> {
    const { databaseFile, health } = this.#parts
    if (databaseFile === null) return
    for (const problem of await checkDatabase(databaseFile, depth, signal)) health.report(problem)
  }

  async #checkContents(options: Parameters<typeof checkContents>[1]): Promise<ContentsReport> {
    const report = await checkContents(this.#parts, options).finally(() => {
      if (options.digests) this.#parts.onSetAside()
    })
    this.#contents = report
    const { missing, damaged, strays, problems } = report
    if (problems.length > 0) {
      this.#parts.log.warn({ missing, damaged, strays, first: problems[0] }, 'contents and samples do not agree')
      await this.#note(report)
    }
    return report
  }

  /** In the journal, unless its latest entry of this kind says the same. */
  async #note({ missing, damaged, strays, problems }: ContentsReport): Promise<void> {
    const { journal } = this.#parts.store
    const kind = 'contents-differ'
    const message = `Of the stored contents ${missing} are missing or cut off, ${damaged} were changed, and ${strays} have no sample; "backtrail check" lists them. The first: ${problems[0]}`
    if ((await journal.latestMessage(kind)) !== message) await journal.add({ kind, message, created: now() })
  }
}
