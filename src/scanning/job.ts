import { Blame } from './blame.ts'
import type { Lane } from './lanes.ts'
import type { DecidedItem, VerifyResult, WorkerTask } from './protocol.ts'
import type { TaskInput, TaskKind, TaskOutput } from './tasks.ts'

/** A task on its way through the pool: it may be paused, or lose its worker, and go on in another. */
export class Job {
  readonly id: number
  readonly kind: TaskKind
  readonly input: TaskInput<TaskKind>
  readonly lane: Lane
  readonly group: string
  readonly deadlineMs: number | null
  readonly blame = new Blame()
  readonly done: Promise<TaskOutput<TaskKind>>
  /** Its promise is decided; a worker may still be at it. */
  settled = false
  readonly #resolve: (output: TaskOutput<TaskKind>) => void
  readonly #reject: (reason: unknown) => void
  readonly #results: VerifyResult[] = []
  #scannedBytes = 0

  constructor(about: {
    readonly id: number
    readonly kind: TaskKind
    readonly input: TaskInput<TaskKind>
    readonly lane: Lane
    readonly group: string
    readonly deadlineMs: number | null
  }) {
    this.id = about.id
    this.kind = about.kind
    this.input = about.input
    this.lane = about.lane
    this.group = about.group
    this.deadlineMs = about.deadlineMs
    const { promise, resolve, reject } = Promise.withResolvers<TaskOutput<TaskKind>>()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  get ruleSet(): string | null {
    return 'ruleSet' in this.input ? this.input.ruleSet : null
  }

  /** Stops between two items when asked to. */
  get canPause(): boolean {
    return this.kind === 'verify'
  }

  message(): WorkerTask {
    const { id, kind, input, deadlineMs } = this
    return { type: 'task', id, kind, input, avoid: this.blame.avoid, deadlineMs }
  }

  collect(items: readonly DecidedItem[]): void {
    for (const { item, result, scannedBytes } of items) {
      this.#results[item] = result
      this.#scannedBytes += scannedBytes
    }
    this.blame.markDone(items.map(({ item }) => item))
  }

  /** Null: the output is what was collected item by item. */
  resolve(output: TaskOutput<TaskKind> | null): void {
    this.settled = true
    this.#resolve(output ?? { results: this.#results, scannedBytes: this.#scannedBytes })
  }

  reject(reason: unknown): void {
    this.settled = true
    this.#reject(reason)
  }
}
