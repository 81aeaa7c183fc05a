/**
 * The worker processes and who gets them.
 *
 * A task:    waiting ──▶ running ──▶ settled
 *               ▲           │
 *               └───────────┘  paused for a more urgent one, or its worker was lost (blame.ts says how it goes on)
 *
 * A worker:  starting ──▶ idle ◀──▶ busy ──▶ gone, and at once another starts in its place
 *
 * One timer looks at all workers: what takes too long, or too much memory, is killed. Texts are checked in processes of
 * their own, as many as there are checks up to `CHECKERS`, so that one that compiles for ever holds up no scan.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import type { FlightStep } from './flight-record.ts'
import { Job } from './job.ts'
import { type Lane, LaneQueue, lanes } from './lanes.ts'
import { defaultLimits, type ScanLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { FromWorker, Trouble } from './protocol.ts'
import { RuleSetRegistry, type Sent } from './rule-set-registry.ts'
import type { RuleSet, TaskInput, TaskKind, TaskOutput } from './tasks.ts'
import { type Cause, WorkerProcess } from './worker-process.ts'

export interface RunOptions {
  readonly priority: Lane
  /** Tasks of one lane take turns by group (a user, a hunt); within a group they start in the order of the calls. */
  readonly group?: string
  /** Rejects with the signal's reason; a task that has started is stopped at its next item. */
  readonly signal?: AbortSignal
  /** Instead of the limits' time for one scan (or for the compilation of a `check`), in milliseconds. */
  readonly deadlineMs?: number
}

export interface PoolOptions {
  /** Worker processes; those that check texts come on top. */
  readonly workers: number
  /** A folder of the pool's own for flight records; made when missing. */
  readonly folder: string
  readonly log: Log
  readonly limits?: Partial<ScanLimits>
  /** Tasks that may wait in one lane before `run` refuses more. */
  readonly queueLimit?: number
}

export interface PoolStatistics {
  readonly processes: readonly {
    readonly role: Role
    readonly pid: number
    readonly busy: boolean
    readonly residentBytes: number
    /** What it is about, by its flight record. */
    readonly at: FlightStep | null
  }[]
  readonly waiting: Readonly<Record<Lane, number>>
  /** Workers that had to be replaced since the start, by cause. */
  readonly restarts: Readonly<Record<'crash' | 'timeout' | 'memory', number>>
  /** Tasks that ended, and those among them that failed. */
  readonly finished: number
  readonly failed: number
}

type Role = 'worker' | 'checker'

/** A place for a worker process; the processes in it come and go. */
interface Slot {
  readonly role: Role
  readonly name: string
  process: WorkerProcess | null
  ready: boolean
  pausing: boolean
  job: Job | null
  /** Tasks of this worker that only wait for the disk, by their number. */
  syncing: Map<number, Job>
  sent: Sent
  /** Processes in a row that ended before they were ready. */
  failedStarts: number
  respawn: NodeJS.Timeout | null
}

const INSPECT_MS = 50
/** Copies of one worker that wait for the disk at once: together they cost little more than one. */
const SYNCING = 8
const CHECKERS = 4
/** A checking process above this is replaced before its next text. */
const CHECKER_KEPT_BYTES = 300 * 1024 * 1024
const DEFAULT_QUEUE_LIMIT = 1_000
const STARTS_BEFORE_GIVING_UP = 5

export class WorkerPool {
  readonly #limits: ScanLimits
  readonly #folder: string
  readonly #log: Log
  readonly #queueLimit: number
  readonly #slots: Slot[] = []
  readonly #queue = new LaneQueue<Job>()
  readonly #checks = new LaneQueue<Job>()
  readonly #registry: RuleSetRegistry
  readonly #producers: Record<Lane, (() => void)[]> = { interactive: [], live: [], hunt: [], background: [] }
  readonly #restarts = { crash: 0, timeout: 0, memory: 0 }
  /** How often a worker was lost while it compiled a ruleset ahead of any task. */
  readonly #warmLosses = new Map<string, number>()
  readonly #inspector: NodeJS.Timeout
  #nextJob = 1
  #nextName = 1
  #finished = 0
  #failed = 0
  #stopping = false
  /** Called whenever a process has ended or a task has left its worker. */
  #onQuiet: (() => void) | null = null

  /** Starts the workers; tasks wait until they are ready. */
  constructor(options: PoolOptions) {
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#folder = options.folder
    this.#log = options.log
    this.#queueLimit = options.queueLimit ?? DEFAULT_QUEUE_LIMIT
    this.#registry = new RuleSetRegistry((message) => {
      for (const slot of this.#slots) {
        const share = message(slot.sent)
        if (share !== null) slot.process?.send(share)
      }
    })
    mkdirSync(options.folder, { recursive: true })
    for (let i = 0; i < options.workers; i++) this.#addSlot('worker')
    this.#addSlot('checker')
    this.#inspector = setInterval(() => {
      for (const slot of this.#slots) slot.process?.inspect(slot.job !== null)
    }, INSPECT_MS)
  }

  /**
   * Runs a task in a worker process and gives its output.
   *
   * Rejects with `Failure('service.overloaded')` when the lane is full, `Failure('service.stopping')` after `stop()`,
   * with the signal's reason, with the `Failure` that the task met, or with an `Error` when the task itself failed: a
   * file that cannot be read (its `code` is the system's), a worker that died of it twice outside any scan. Scans that
   * were given up are no rejection: they are `troubles` of the output. A text that cannot be checked within its limits
   * is not valid, and a diagnostic says why.
   */
  async run<K extends TaskKind>(kind: K, input: TaskInput<K>, options: RunOptions): Promise<TaskOutput<K>> {
    const { priority, signal } = options
    if (this.#stopping) throw new Failure('service.stopping')
    signal?.throwIfAborted()
    if (this.#waiting(priority) >= this.#queueLimit) throw new Failure('service.overloaded')
    const job = new Job({
      id: this.#nextJob++,
      kind,
      input,
      lane: priority,
      group: options.group ?? '',
      deadlineMs: options.deadlineMs ?? null,
    })
    if (job.ruleSet !== null) this.#registry.use(job.ruleSet)
    const abort = () => this.#abort(job, signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.#queueOf(job).add(job.lane, job.group, job)
    this.#dispatch()
    try {
      return (await job.done) as TaskOutput<K>
    } finally {
      signal?.removeEventListener('abort', abort)
      if (job.ruleSet !== null) this.#registry.release(job.ruleSet)
    }
  }

  /** Resolves as soon as the lane has room; producers of many tasks wait for it before each `run`. */
  async room(lane: Lane): Promise<void> {
    if (this.#stopping || this.#waiting(lane) < this.#queueLimit) return
    await new Promise<void>((resolve) => this.#producers[lane].push(resolve))
  }

  /**
   * Makes a set known under its id, for tasks that name it; known ids are left as they are. Texts and plans travel to
   * each worker once by key. Idle workers compile the rulesets of sets called `live:…` ahead of time.
   */
  setRuleSet(set: RuleSet): void {
    this.#registry.add(set)
    if (!set.id.startsWith('live:')) return
    for (const slot of this.#slots) {
      if (slot.role === 'worker' && slot.ready && slot.job === null) this.#introduce(slot, set.id)
    }
  }

  /** Forgets a set, once no task that names it is waiting or running. New tasks can no longer name it. */
  dropRuleSet(id: string): void {
    this.#registry.drop(id)
  }

  statistics(): PoolStatistics {
    const processes: PoolStatistics['processes'][number][] = []
    for (const { role, process, job } of this.#slots) {
      if (process?.pid === undefined) continue
      processes.push({
        role,
        pid: process.pid,
        busy: job !== null,
        residentBytes: process.residentBytes(),
        at: process.at(),
      })
    }
    return {
      processes,
      waiting: {
        interactive: this.#waiting('interactive'),
        live: this.#waiting('live'),
        hunt: this.#waiting('hunt'),
        background: this.#waiting('background'),
      },
      restarts: { ...this.#restarts },
      finished: this.#finished,
      failed: this.#failed,
    }
  }

  /**
   * Refuses new and waiting tasks with `service.stopping`, lets the running ones end for up to `graceMs`, then kills.
   * When it resolves, no process of the pool remains.
   */
  async stop(graceMs = 5_000): Promise<void> {
    this.#stopping = true
    for (const job of [...this.#queue.drain(), ...this.#checks.drain()])
      this.#reject(job, new Failure('service.stopping'))
    for (const lane of lanes) for (const producer of this.#producers[lane].splice(0)) producer()
    const forced = setTimeout(() => {
      for (const slot of this.#slots) slot.process?.kill('ended')
    }, graceMs)
    for (const slot of this.#slots) {
      if (slot.respawn !== null) clearTimeout(slot.respawn)
      if (isQuiet(slot)) slot.process?.kill('ended')
    }
    await new Promise<void>((resolve) => {
      this.#onQuiet = () => {
        for (const slot of this.#slots) if (isQuiet(slot)) slot.process?.kill('ended')
        if (this.#slots.every((slot) => slot.process === null)) resolve()
      }
      this.#onQuiet()
    })
    clearTimeout(forced)
    clearInterval(this.#inspector)
  }

  // ------------------------------------------------------------------------------------------------ giving out tasks

  #queueOf(job: Job): LaneQueue<Job> {
    return job.kind === 'check' ? this.#checks : this.#queue
  }

  #waiting(lane: Lane): number {
    return this.#queue.waiting(lane) + this.#checks.waiting(lane)
  }

  #dispatch(): void {
    if (this.#stopping) return
    for (const slot of this.#slots) {
      if (!slot.ready || slot.job !== null || slot.process?.isDying !== false) continue
      if (slot.syncing.size >= SYNCING) continue
      const job = (slot.role === 'checker' ? this.#checks : this.#queue).take()
      if (job === null) continue
      this.#assign(slot, job)
      this.#producers[job.lane].shift()?.()
    }
    this.#makeWay()
    const checkers = this.#slots.filter((slot) => slot.role === 'checker')
    const free = checkers.some((slot) => slot.job === null)
    if (this.#checks.first() !== null && !free && checkers.length < CHECKERS) this.#addSlot('checker')
  }

  #assign(slot: Slot, job: Job): void {
    slot.job = job
    slot.pausing = false
    if (job.ruleSet !== null) this.#introduce(slot, job.ruleSet)
    slot.process?.expectProgress()
    slot.process?.send(job.message())
  }

  #introduce(slot: Slot, set: string): void {
    for (const message of this.#registry.introduce(set, slot.sent)) slot.process?.send(message)
  }

  /** Pauses what can wait, when something more urgent does: at most one worker a waiting task. */
  #makeWay(): void {
    const urgent = this.#queue.first()
    if (urgent === null) return
    const rank = lanes.indexOf(urgent)
    let wanted = this.#queue.waiting(urgent)
    for (const slot of this.#slots) if (slot.pausing) wanted--
    for (const slot of this.#slots) {
      if (wanted <= 0) return
      if (slot.pausing || slot.job === null || !slot.job.canPause || lanes.indexOf(slot.job.lane) <= rank) continue
      slot.pausing = true
      slot.process?.send({ type: 'pause' })
      wanted--
    }
  }

  #abort(job: Job, reason: unknown): void {
    if (job.settled) return
    this.#queueOf(job).remove(job.lane, job.group, job)
    this.#reject(job, reason)
    const slot = this.#slots.find((candidate) => candidate.job === job)
    if (slot === undefined) {
      this.#producers[job.lane].shift()?.()
      return
    }
    if (job.kind === 'check') slot.process?.kill('ended')
    else if (job.canPause) slot.process?.send({ type: 'pause' })
  }

  #resolve(job: Job, output: TaskOutput<TaskKind> | null): void {
    if (job.settled) return
    this.#finished++
    job.resolve(output)
  }

  #reject(job: Job, reason: unknown): void {
    if (job.settled) return
    this.#finished++
    this.#failed++
    job.reject(reason)
  }

  // ------------------------------------------------------------------------------------------------------- processes

  #addSlot(role: Role): void {
    const slot: Slot = {
      role,
      name: `${role}-${this.#nextName++}`,
      process: null,
      ready: false,
      pausing: false,
      job: null,
      syncing: new Map(),
      sent: { sets: new Set(), keys: new Set() },
      failedStarts: 0,
      respawn: null,
    }
    this.#slots.push(slot)
    this.#start(slot)
  }

  #start(slot: Slot): void {
    slot.respawn = null
    slot.ready = false
    slot.sent = { sets: new Set(), keys: new Set() }
    const process = new WorkerProcess({
      flightRecord: join(this.#folder, `${slot.name}.flight`),
      limits: this.#limits,
      memoryLimit: slot.role === 'checker' ? this.#limits.checkBytes : this.#limits.workerBytes,
      events: {
        message: (message) => {
          // What arrives after the end of a process was decided without it.
          if (slot.process === process) this.#onMessage(slot, message)
        },
        exit: (cause, at, lastWords) => this.#onExit(slot, cause, at, lastWords),
      },
    })
    slot.process = process
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    if (message.type === 'ready') {
      slot.ready = true
      slot.failedStarts = 0
      this.#dispatch()
      return
    }
    const synced = slot.syncing.get(message.task)
    const job = synced ?? slot.job
    if (job === null || job.id !== message.task) return
    if (message.type === 'items') {
      job.collect(message.items)
      return
    }
    if (synced === undefined) {
      slot.job = null
      slot.pausing = false
    }
    slot.syncing.delete(job.id)
    if (message.type === 'syncing') slot.syncing.set(job.id, job)
    else this.#settle(job, message)
    if (slot.role === 'checker') this.#retire(slot)
    this.#dispatch()
    this.#onQuiet?.()
  }

  #settle(job: Job, message: FromWorker & { readonly type: 'done' | 'failed' | 'paused' }): void {
    if (message.type === 'done') this.#resolve(job, message.output)
    else if (message.type === 'failed') this.#reject(job, errorOf(message))
    else this.#again(job)
  }

  #onExit(slot: Slot, cause: Cause, at: FlightStep | null, lastWords: string): void {
    const job = slot.job
    slot.process = null
    slot.job = null
    slot.pausing = false
    if (cause !== 'ended') {
      this.#restarts[cause]++
      const { kind, id } = job ?? {}
      this.#log.warn({ worker: slot.name, cause, at, task: id, kind, lastWords }, `A ${slot.role} process was lost`)
      if (at !== null && at.task === 0 && at.stage === 'compile') this.#blameWarming(at, cause)
    }
    if (!slot.ready && cause === 'crash') slot.failedStarts++
    slot.ready = false
    const synced = [...slot.syncing.values()]
    slot.syncing.clear()
    if (job !== null && !job.settled) this.#onLoss(job, cause, at)
    for (const waiting of synced) if (!waiting.settled) this.#onLoss(waiting, cause, null)
    if (!this.#stopping) this.#replace(slot, lastWords)
    this.#dispatch()
    this.#onQuiet?.()
  }

  #onLoss(job: Job, cause: Cause, at: FlightStep | null): void {
    if (cause === 'ended') {
      this.#reject(job, new Failure('service.stopping'))
      return
    }
    // It may have died before it got to the task: over something it did ahead of time, or for no reason of ours.
    const verdict = job.blame.judge(job.kind, cause, at !== null && at.task === job.id ? at : null)
    if (verdict.kind === 'bench') this.#bench(verdict.ruleset, verdict.trouble)
    if (verdict.kind !== 'fail') this.#again(job)
    else if (job.kind === 'check') this.#resolve(job, uncheckable(cause))
    else this.#reject(job, new Error(verdict.message))
  }

  /** Puts a task that had started back into the queue. */
  #again(job: Job): void {
    if (job.settled) return
    if (this.#stopping) this.#reject(job, new Failure('service.stopping'))
    else this.#queueOf(job).addFirst(job.lane, job.group, job)
  }

  #blameWarming(at: FlightStep, cause: 'crash' | 'timeout' | 'memory'): void {
    if (at.ruleset === null) return
    const losses = (this.#warmLosses.get(at.ruleset) ?? 0) + 1
    this.#warmLosses.set(at.ruleset, losses)
    if (cause === 'timeout' || losses > 1) {
      this.#bench(at.ruleset, { reason: cause, message: 'the ruleset cannot be compiled within the limits' })
    }
  }

  #bench(ruleset: string, trouble: Trouble): void {
    this.#log.warn({ ruleset, ...trouble }, 'A ruleset is left out from now on')
    this.#registry.bench(ruleset, trouble)
  }

  /** Keeps one idle checking process in reserve, and none that has grown. */
  #retire(slot: Slot): void {
    const idle = this.#slots.filter((other) => other.role === 'checker' && other.job === null).length
    const spare = idle > 1 && this.#checks.first() === null
    if (spare || (slot.process?.residentBytes() ?? 0) > CHECKER_KEPT_BYTES) {
      slot.ready = false
      slot.process?.kill('ended')
    }
  }

  #replace(slot: Slot, lastWords: string): void {
    const others = this.#slots.filter((other) => other.role === 'checker' && other !== slot && other.process !== null)
    if (slot.role === 'checker' && others.length > 0 && this.#checks.first() === null) {
      this.#slots.splice(this.#slots.indexOf(slot), 1)
      return
    }
    if (slot.failedStarts === 0) {
      this.#start(slot)
      return
    }
    if (slot.failedStarts >= STARTS_BEFORE_GIVING_UP && !this.#slots.some((other) => other.ready && other.process)) {
      this.#log.error({ lastWords }, 'Worker processes do not start')
      for (const job of [...this.#queue.drain(), ...this.#checks.drain()]) {
        this.#reject(job, new Error(`Worker processes do not start: ${lastWords}`))
      }
    }
    slot.respawn = setTimeout(() => this.#start(slot), Math.min(100 * 2 ** slot.failedStarts, 5_000))
  }
}

function isQuiet(slot: Slot): boolean {
  return slot.job === null && slot.syncing.size === 0
}

function errorOf(message: FromWorker & { readonly type: 'failed' }): Error {
  if (message.failure !== null) return new Failure(message.failure, message.message)
  const error: NodeJS.ErrnoException = new Error(message.message)
  if (message.system !== null) error.code = message.system
  return error
}

function uncheckable(cause: 'crash' | 'timeout' | 'memory'): TaskOutput<'check'> {
  const messages = {
    timeout: 'Compiling these rules takes longer than allowed; simplify their regular expressions and loops.',
    memory: 'Compiling these rules needs more memory than allowed; split them, or simplify their regular expressions.',
    crash: 'The engine fails on these rules.',
  }
  const diagnostic = {
    code: `compile-${cause}`,
    message: messages[cause],
    line: 1,
    column: 1,
    span: { from: 0, to: 0 },
  }
  return { valid: false, diagnostics: [{ severity: 'error', ...diagnostic }] }
}
