import type { EngineChoice } from './engine.ts'
import type { ConfiguredLimits, ScanLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { Priority } from './priorities.ts'
import type { ProgressStep } from './progress-record.ts'

/** What a worker process is there for: scans and whatever reads samples, or the check and the plan of texts. */
export type Role = 'worker' | 'checker'

export interface RunOptions {
  readonly priority: Priority
  /**
   * Tasks of one priority take turns by group (a user, a hunt); within a group they start in the order of the calls.
   */
  readonly group?: string
  /** Waits for room in the queue of its priority, where other tasks are refused. For callers that send many tasks. */
  readonly waitForRoom?: boolean
  /**
   * Rejects with the signal's reason, when nothing of the task runs any more: one that has started is stopped at its
   * next item, or its worker is killed where that takes too long.
   */
  readonly signal?: AbortSignal
}

export interface PoolOptions {
  /** Worker processes; those that check texts come on top. */
  readonly workers: number
  /** A folder of the pool's own for progress records; made when missing. */
  readonly folder: string
  readonly log: Log
  readonly limits: ConfiguredLimits & Partial<ScanLimits>
  /** Which engines run the rules; `native` unless given. */
  readonly engine?: EngineChoice
  /** Each process is started when a task first needs it: a command may end without any. Else the workers start at once. */
  readonly onDemand?: boolean
  /** Tasks that may wait in one priority. Then `run` refuses more, or waits where `waitForRoom` is set. */
  readonly queueLimit?: number
}

export interface PoolStatistics {
  readonly processes: readonly {
    readonly role: Role
    readonly pid: number
    readonly busy: boolean
    readonly residentBytes: number
    /** What it is about, by its progress record. */
    readonly at: ProgressStep | null
  }[]
  readonly waiting: Readonly<Record<Priority, number>>
  /** Workers that had to be replaced since the start, by cause. */
  readonly restarts: Readonly<Record<'crash' | 'timeout' | 'memory', number>>
  /** Tasks that ended, and those among them that failed. */
  readonly finished: number
  readonly failed: number
}
