/**
 * The worker processes and who gets them.
 *
 * A task:    waiting ──▶ running ──▶ settled
 *               ▲           │
 *               └───────────┘  paused for a more urgent one, or its worker was lost (retry-policy.ts says how it goes on)
 *
 * A worker:  starting ──▶ idle ◀──▶ busy ──▶ gone, and at once another starts in its place
 *
 * One timer looks at all workers: what takes too long, or too much memory, is killed. Texts are checked and planned in
 * processes of their own, as many as there are texts up to `CHECKERS`, so that one that compiles for ever holds up no
 * scan.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, messageOf } from '../errors/index.ts'
import { endCancelled } from './cancelling.ts'
import type { EngineChoice } from './engine.ts'
import { handOut } from './handing-out.ts'
import { Job } from './job.ts'
import { KnownFailures } from './known-failures.ts'
import { fixedLimits, type ScanLimits } from './limits.ts'
import type { Log } from './log.ts'
import { makeWay } from './making-way.ts'
import { errorOf, uncheckable, unplannable } from './outcome.ts'
import type { PoolOptions, PoolStatistics, Role, RunOptions } from './pool-options.ts'
import { ProgressReader, type ProgressStep } from './progress-record.ts'
import type { FromWorker, Outcome } from './protocol.ts'
import { isOver, MOST_RELIEF, reliefFor } from './relief.ts'
import { renewGrown } from './renewing.ts'
import { RuleSetRegistry } from './rule-set-registry.ts'
import { processesOf, Slot } from './slot.ts'
import { slownessWarning } from './slowness.ts'
import type { RuleSet, ScanError, TaskInput, TaskKind, TaskOutput } from './tasks.ts'
import { WaitingJobs } from './waiting-jobs.ts'
import { type Cause, WorkerProcess } from './worker-process.ts'

const INSPECT_MS = 50
const CHECKERS = 4
/** A checking process above this is replaced before its next text. */
const CHECKER_KEPT_BYTES = 300 * 1024 * 1024
const DEFAULT_QUEUE_LIMIT = 1_000
const STARTS_BEFORE_GIVING_UP = 5

export class WorkerPool {
  readonly #limits: ScanLimits
  readonly #folder: string
  readonly #engine: EngineChoice
  readonly #log: Log
  readonly #slots: Slot[] = []
  readonly #waiting: WaitingJobs
  readonly #registry: RuleSetRegistry
  readonly #restarts = { crash: 0, timeout: 0, memory: 0 }
  readonly #knownFailures: KnownFailures
  readonly #inspector: NodeJS.Timeout
  #nextJob = 1
  #finished = 0
  #failed = 0
  #stopping = false
  #hasWarnedOfSlowness = false
  /** Called whenever a process has ended or a task has left its worker. */
  #onQuiet: (() => void) | null = null

  /** Starts the workers, unless they start on demand; tasks wait until they are ready. What checks texts starts with the first. */
  constructor(options: PoolOptions) {
    this.#limits = { ...fixedLimits, ...options.limits }
    this.#folder = options.folder
    this.#engine = options.engine ?? 'native'
    this.#log = options.log
    this.#waiting = new WaitingJobs(options.queueLimit ?? DEFAULT_QUEUE_LIMIT)
    this.#registry = new RuleSetRegistry((message) => {
      for (const slot of this.#slots) {
        const share = message(slot.sent)
        if (share !== null) slot.process?.send(share)
      }
    })
    this.#knownFailures = new KnownFailures(this.#registry, this.#log)
    mkdirSync(options.folder, { recursive: true })
    for (let i = 0; i < options.workers; i++) this.#addSlot('worker')
    this.#addSlot('checker')
    for (let i = 1; i <= options.workers + MOST_RELIEF; i++) ProgressReader.reserve(this.#recordOf(`worker-${i}`))
    for (let i = 1; i <= CHECKERS; i++) ProgressReader.reserve(this.#recordOf(`checker-${i}`))
    if (options.onDemand !== true) for (const slot of this.#slots) if (slot.role === 'worker') this.#start(slot)
    this.#inspector = setInterval(() => {
      const now = performance.now()
      for (const slot of this.#slots) slot.process?.inspect(slot.isBusy)
      endCancelled(this.#slots, now)
      this.#relieve(now)
      if (!this.#stopping) renewGrown(this.#slots, this.#limits, now)
    }, INSPECT_MS)
  }

  /**
   * Runs a task in a worker process and gives its output.
   *
   * Rejects with `Failure('service.overloaded')` when the queue of the priority is full, `Failure('service.stopping')`
   * after `stop()`, with the signal's reason, with the `Failure` that the task met, or with an `Error` when the task
   * itself failed: a file that cannot be read (its `code` is the system's), a worker that died of it twice outside any
   * scan. With `Failure('workers.lost')` when there are no workers to be had. Scans that were given up are no
   * rejection: they are `errors` of the output. A text that cannot be checked within its limits is not valid, and a
   * diagnostic says why; the plan of one that cannot be planned lets every sample through.
   */
  async run<K extends TaskKind>(kind: K, input: TaskInput<K>, options: RunOptions): Promise<TaskOutput<K>> {
    const { priority, waitForRoom = false, signal } = options
    if (this.#stopping) throw new Failure('service.stopping')
    signal?.throwIfAborted()
    if (!waitForRoom && this.#waiting.isFull(priority)) throw new Failure('service.overloaded')
    const job = new Job({
      id: this.#nextJob++,
      kind,
      input,
      priority,
      group: options.group ?? '',
    })
    if (job.ruleSet !== null) this.#registry.use(job.ruleSet)
    const abort = () => this.#abort(job, signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      if (waitForRoom && !this.#waiting.hasRoom(priority)) await this.#waiting.room(job)
      if (this.#stopping) throw new Failure('service.stopping')
      if (!job.settled) this.#waiting.add(job)
      this.#dispatch()
      return (await job.done) as TaskOutput<K>
    } finally {
      signal?.removeEventListener('abort', abort)
      if (job.ruleSet !== null) this.#registry.ended(job.ruleSet)
    }
  }

  /**
   * Makes a set known under its id, for tasks that name it; known ids are left as they are. Texts and plans travel to
   * each worker once by key. Idle workers compile the rulesets of sets called `live:…` ahead of time.
   */
  setRuleSet(set: RuleSet): void {
    this.#registry.add(set)
    if (!set.id.startsWith('live:')) return
    this.#knownFailures.release(set)
    for (const slot of this.#slots) {
      if (slot.role === 'worker' && slot.ready && !slot.isBusy) this.#introduce(slot, set.id)
    }
  }

  /**
   * Which rulesets of a set, by key, workers may compile together from now on: those that much the same samples are
   * candidates of. What is in no group is compiled by itself.
   */
  arrange(set: string, groups: readonly (readonly string[])[]): void {
    this.#registry.arrange(set, groups)
  }

  /** Forgets a set, once no task that names it is waiting or running. New tasks can no longer name it. */
  dropRuleSet(id: string): void {
    this.#registry.drop(id)
  }

  statistics(): PoolStatistics {
    return {
      processes: processesOf(this.#slots),
      waiting: this.#waiting.counts(),
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
    for (const job of this.#waiting.drain()) this.#reject(job, new Failure('service.stopping'))
    this.#waiting.releaseProducers()
    const forced = setTimeout(() => {
      for (const slot of this.#slots) slot.process?.kill('ended')
    }, graceMs)
    for (const slot of this.#slots) {
      if (slot.respawn !== null) clearTimeout(slot.respawn)
      if (!slot.isBusy) slot.process?.kill('ended')
    }
    await new Promise<void>((resolve) => {
      this.#onQuiet = () => {
        for (const slot of this.#slots) if (!slot.isBusy) slot.process?.kill('ended')
        if (this.#slots.every((slot) => slot.process === null)) resolve()
      }
      this.#onQuiet()
    })
    clearTimeout(forced)
    clearInterval(this.#inspector)
  }

  // ------------------------------------------------------------------------------------------------ giving out tasks

  #dispatch(): void {
    if (this.#stopping) return
    this.#startDemanded()
    for (const { slot, jobs } of handOut(this.#slots, this.#waiting)) {
      for (const { ruleSet } of jobs) if (ruleSet !== null) this.#introduce(slot, ruleSet)
      for (const job of jobs) this.#knownFailures.prepare(job)
      slot.give(jobs)
      for (const { priority } of jobs) this.#waiting.left(priority)
    }
    makeWay(this.#waiting.scans, this.#slots)
    const checkers = this.#slots.filter((slot) => slot.role === 'checker')
    const isOneFree = checkers.some((slot) => !slot.isBusy)
    if (this.#waiting.texts.first() !== null && !isOneFree && checkers.length < CHECKERS) {
      this.#start(this.#addSlot('checker'))
    }
  }

  /** Starts as many of the processes that never were as there are tasks that no other will take at once. */
  #startDemanded(): void {
    const demand = { worker: this.#waiting.scans.size, checker: this.#waiting.texts.size }
    for (const { role, isUnstarted, isBusy } of this.#slots) if (!isUnstarted && !isBusy) demand[role]--
    for (const slot of this.#slots) {
      if (slot.isUnstarted && demand[slot.role]-- > 0) this.#start(slot)
    }
  }

  #introduce(slot: Slot, set: string): void {
    for (const message of this.#registry.introduce(set, slot.sent)) slot.process?.send(message)
  }

  #abort(job: Job, reason: unknown): void {
    if (job.settled) return
    const slot = this.#slots.find((candidate) => candidate.jobs.includes(job))
    if (slot === undefined) {
      this.#waiting.remove(job)
      this.#reject(job, reason)
      this.#waiting.left(job.priority)
      return
    }
    job.cancelled = { since: performance.now(), reason }
    if (job.isAboutText) slot.process?.kill('cancelled')
    else if (job.canPause) slot.process?.send({ type: 'pause' })
  }

  /** Starts a worker beside the others when all of them are held up, and ends those that are needed no more. */
  #relieve(now: number): void {
    const workers = this.#slots.filter(({ role }) => role === 'worker')
    for (const slot of workers) if (isOver(slot, now) && slot.process?.isDying === false) slot.process.kill('ended')
    if (this.#stopping || workers.filter(({ isRelief }) => isRelief).length >= MOST_RELIEF) return
    const accepts = reliefFor(workers, now)
    if (accepts !== null && this.#waiting.scans.some(accepts)) {
      this.#start(this.#addSlot('worker', true))
    }
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

  /** A place whose process is still to be started. */
  #addSlot(role: Role, isRelief = false): Slot {
    const taken = new Set(this.#slots.map(({ name }) => name))
    let number = 1
    while (taken.has(`${role}-${number}`)) number++
    const slot = new Slot(role, `${role}-${number}`, isRelief)
    this.#slots.push(slot)
    return slot
  }

  #recordOf(name: string): string {
    return join(this.#folder, `${name}.progress`)
  }

  #start(slot: Slot): void {
    slot.respawn = null
    slot.isUnstarted = false
    slot.ready = false
    slot.started = performance.now()
    slot.settledBytes = null
    slot.sent = { sets: new Set(), keys: new Set() }
    try {
      const process = new WorkerProcess({
        progressRecord: this.#recordOf(slot.name),
        limits: this.#limits,
        engine: this.#engine,
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
    } catch (error) {
      // Most likely the disk is full: its progress record cannot be written.
      this.#onExit(slot, 'crash', null, messageOf(error))
    }
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    if (message.type === 'ready') {
      slot.ready = true
      slot.failedStarts = 0
      if (message.isSlow && !this.#hasWarnedOfSlowness) this.#log.warn({}, slownessWarning(this.#engine))
      this.#hasWarnedOfSlowness ||= message.isSlow
      this.#dispatch()
      return
    }
    if (message.type === 'items') {
      const job = slot.jobOf(message.task)
      job?.collect(message.items)
      if (job !== undefined) this.#noteFailures(job, message.items)
      return
    }
    for (const answer of message.answers) this.#onAnswer(slot, answer)
    if (slot.role === 'checker') this.#retire(slot)
    this.#dispatch()
    this.#onQuiet?.()
  }

  #onAnswer(slot: Slot, outcome: Outcome): void {
    const job = slot.jobOf(outcome.task)
    if (job === undefined) return
    slot.answered(job)
    if (job.cancelled !== null) this.#reject(job, job.cancelled.reason)
    else if (outcome.type === 'done') {
      if (job.kind === 'examine') {
        this.#noteFailures(job, [{ item: 0, result: outcome.output as TaskOutput<'examine'> }])
      }
      this.#resolve(job, outcome.output)
    } else if (outcome.type === 'failed') this.#reject(job, errorOf(outcome))
    else this.#again(job)
  }

  #noteFailures(job: Job, decided: readonly { item: number; result: { errors: readonly ScanError[] } }[]): void {
    for (const { item, result } of decided) {
      if (result.errors.length > 0) this.#knownFailures.noteFailures(job.sampleOf(item) ?? '', result.errors)
    }
  }

  #onExit(slot: Slot, cause: Cause, at: ProgressStep | null, lastWords: string): void {
    const wasReady = slot.ready
    const jobs = slot.empty()
    if (cause !== 'ended' && cause !== 'cancelled') {
      this.#restarts[cause]++
      const tasks = jobs.map(({ id, kind }) => `${kind} ${id}`)
      this.#log.warn({ worker: slot.name, cause, at, tasks, lastWords }, `A ${slot.role} process was lost`)
    }
    if (!wasReady && cause === 'crash') slot.failedStarts++
    const wasWarming = at !== null && at.task === 0 && at.stage === 'compile'
    if (wasWarming && cause !== 'ended' && cause !== 'cancelled') this.#knownFailures.noteWarmLoss(at, cause)
    // The first stands for all where the record names none of them: it may be that none was begun.
    const atFault = jobs.find(({ id }) => id === at?.task) ?? (wasWarming ? undefined : jobs[0])
    for (const job of jobs.toReversed()) {
      if (job === atFault && cause !== 'cancelled') this.#onLoss(job, cause, at)
      else this.#onCollateralLoss(job, cause)
    }
    if (!this.#stopping) this.#replace(slot, lastWords)
    this.#dispatch()
    this.#onQuiet?.()
  }

  /** It travelled with the task that the worker was lost over. */
  #onCollateralLoss(job: Job, cause: Cause): void {
    if (cause === 'ended') this.#reject(job, new Failure('service.stopping'))
    else this.#again(job)
  }

  #onLoss(job: Job, cause: Cause, at: ProgressStep | null): void {
    if (job.settled) return
    if (job.cancelled !== null) {
      this.#reject(job, job.cancelled.reason)
      return
    }
    job.ranAlone = true
    if (cause === 'ended' || cause === 'cancelled') {
      this.#reject(job, new Failure('service.stopping'))
      return
    }
    // It may have died before it got to the task: over something it did ahead of time, or for no reason of ours.
    const own = at !== null && at.task === job.id ? at : null
    const verdict = job.retryPolicy.decide(job.kind, cause, own, this.#knownFailures.endsWorkers(own?.ruleset ?? null))
    if (verdict.kind === 'quarantine') this.#knownFailures.quarantine(verdict.ruleset, verdict.failure)
    if (verdict.kind === 'module') this.#knownFailures.noteModule(job, verdict.item, verdict.module, verdict.failure)
    if (own?.bundle === true && job.ruleSet !== null) this.#knownFailures.noteLostBundle(job.ruleSet)
    if (verdict.kind !== 'fail') this.#again(job)
    else if (job.kind === 'check') this.#resolve(job, uncheckable(cause, own))
    else if (job.kind === 'plan') this.#resolve(job, unplannable(cause))
    else this.#reject(job, verdict.error)
  }

  /** Puts a task that had started back into the queue. */
  #again(job: Job): void {
    if (job.settled) return
    if (job.cancelled !== null) this.#reject(job, job.cancelled.reason)
    else if (this.#stopping) this.#reject(job, new Failure('service.stopping'))
    else this.#waiting.addFirst(job)
  }

  /** Keeps one idle checking process in reserve, and none that has grown. */
  #retire(slot: Slot): void {
    const idle = this.#slots.filter((other) => other.role === 'checker' && !other.isBusy).length
    const spare = idle > 1 && this.#waiting.texts.first() === null
    if (spare || (slot.process?.residentBytes() ?? 0) > CHECKER_KEPT_BYTES) {
      slot.ready = false
      slot.process?.kill('ended')
    }
  }

  #replace(slot: Slot, lastWords: string): void {
    if (slot.isRelief) {
      this.#slots.splice(this.#slots.indexOf(slot), 1)
      return
    }
    const others = this.#slots.filter((other) => other.role === 'checker' && other !== slot && other.process !== null)
    if (slot.role === 'checker' && others.length > 0 && this.#waiting.texts.first() === null) {
      this.#slots.splice(this.#slots.indexOf(slot), 1)
      return
    }
    if (slot.failedStarts === 0) {
      this.#start(slot)
      return
    }
    if (slot.failedStarts >= STARTS_BEFORE_GIVING_UP && !this.#slots.some((other) => other.ready && other.process)) {
      this.#log.error({ lastWords }, 'Worker processes do not start')
      for (const job of this.#waiting.drain()) this.#reject(job, new Failure('workers.lost'))
    }
    slot.respawn = setTimeout(() => this.#start(slot), Math.min(100 * 2 ** slot.failedStarts, 5_000))
  }
}
