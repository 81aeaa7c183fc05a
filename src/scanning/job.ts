import type { Priority } from './priorities.ts'
import type { DecidedItem, VerifyResult, WorkerTask } from './protocol.ts'
import { RetryPolicy } from './retry-policy.ts'
import type { TaskInput, TaskKind, TaskOutput } from './tasks.ts'

/** A task on its way through the pool: it may be paused, or lose its worker, and go on in another. */
export class Job {
  readonly id: number
  readonly kind: TaskKind
  readonly input: TaskInput<TaskKind>
  readonly priority: Priority
  readonly group: string
  readonly retryPolicy = new RetryPolicy()
  readonly done: Promise<TaskOutput<TaskKind>>
  /** Its promise is decided; a worker may still be at it. */
  settled = false
  /** It is not wanted any more, since when and why; it is settled when its worker has let go of it. */
  cancelled: { readonly since: number; readonly reason: unknown } | null = null
  /** A worker was lost with it, and it may have been the reason. */
  ranAlone = false
  readonly #resolve: (output: TaskOutput<TaskKind>) => void
  readonly #reject: (reason: unknown) => void
  readonly #results: VerifyResult[] = []
  #scannedBytes = 0

  constructor(about: {
    readonly id: number
    readonly kind: TaskKind
    readonly input: TaskInput<TaskKind>
    readonly priority: Priority
    readonly group: string
  }) {
    this.id = about.id
    this.kind = about.kind
    this.input = about.input
    this.priority = about.priority
    this.group = about.group
    const { promise, resolve, reject } = Promise.withResolvers<TaskOutput<TaskKind>>()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  get ruleSet(): string | null {
    if (this.kind === 'copyAndHash') return (this.input as TaskInput<'copyAndHash'>).examine?.ruleSet ?? null
    return 'ruleSet' in this.input ? this.input.ruleSet : null
  }

  /** How many stored samples it scans. */
  get samples(): number {
    if (this.kind === 'verify') return (this.input as TaskInput<'verify'>).items.length
    return this.kind === 'examine' ? 1 : 0
  }

  /** The SHA-256 of the stored sample that is such an item, in hexadecimal; null where the item is none. */
  sampleOf(item: number): string | null {
    const { kind, input } = this
    const digest =
      kind === 'verify'
        ? (input as TaskInput<'verify'>).items[item]?.sha256
        : kind === 'examine' && item === 0
          ? (input as TaskInput<'examine'>).digests.sha256
          : undefined
    return digest === undefined ? null : Buffer.from(digest).toString('hex')
  }

  /** Done in the processes for texts, which end when nobody waits for the answer any more. */
  get isAboutText(): boolean {
    return this.kind === 'check' || this.kind === 'plan'
  }

  /** Stops between two items when asked to. */
  get canPause(): boolean {
    return this.kind === 'verify'
  }

  /**
   * Bytes of work, for a task that is short enough to travel with others; infinite for one that goes alone, as every
   * task does that has cost a worker.
   */
  get weight(): number {
    const { kind, input } = this
    if (this.ranAlone) return Number.POSITIVE_INFINITY
    if (kind === 'copyAndHash') return (input as TaskInput<'copyAndHash'>).size
    if (kind === 'digest') return (input as TaskInput<'digest'>).size
    // What comes out is larger than what goes in.
    if (kind === 'unpack') return 4 * (input as TaskInput<'unpack'>).size
    if (kind === 'examine') return (input as TaskInput<'examine'>).digests.size
    return Number.POSITIVE_INFINITY
  }

  message(): WorkerTask {
    const { id, kind, input } = this
    return { id, kind, input, exclusions: this.retryPolicy.exclusions }
  }

  collect(items: readonly DecidedItem[]): void {
    for (const { item, result, scannedBytes } of items) {
      this.#results[item] = result
      this.#scannedBytes += scannedBytes
    }
    this.retryPolicy.markDone(items.map(({ item }) => item))
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
