import type { Job } from './job.ts'
import type { Outcome } from './protocol.ts'
import type { Sent } from './rule-set-registry.ts'
import type { WorkerProcess } from './worker-process.ts'

export type Role = 'worker' | 'checker'

/** Copies of one worker that wait for the disk at once: together they cost little more than one. */
const SYNCING = 256

/** A place for a worker process, and the tasks it has; the processes in it come and go. */
export class Slot {
  readonly role: Role
  readonly name: string
  process: WorkerProcess | null = null
  ready = false
  /** It was asked to stop at its next item or task. */
  pausing = false
  /** What its process was given to do, in this order, and has not answered. */
  jobs: Job[] = []
  /** Tasks that only wait for the disk, by their number. */
  readonly syncing = new Map<number, Job>()
  sent: Sent = { sets: new Set(), keys: new Set() }
  /** Processes in a row that ended before they were ready. */
  failedStarts = 0
  respawn: NodeJS.Timeout | null = null

  constructor(role: Role, name: string) {
    this.role = role
    this.name = name
  }

  get isBusy(): boolean {
    return this.jobs.length > 0
  }

  /** Nothing would be lost with its process. */
  get isQuiet(): boolean {
    return !this.isBusy && this.syncing.size === 0
  }

  get canTake(): boolean {
    return this.ready && !this.isBusy && this.process?.isDying === false && this.syncing.size < SYNCING
  }

  /** It stops soon when it is asked to: between two items, or between two short tasks. */
  get canPause(): boolean {
    return this.jobs.length > 1 || this.jobs[0]?.canPause === true
  }

  give(jobs: Job[]): void {
    this.jobs = jobs
    this.pausing = false
    this.process?.expectProgress()
    this.process?.send({ type: 'tasks', tasks: jobs.map((job) => job.message()) })
  }

  pause(): void {
    this.pausing = true
    this.process?.send({ type: 'pause' })
  }

  /** The task with this number, if this slot has it. */
  jobOf(task: number): Job | undefined {
    return this.syncing.get(task) ?? this.jobs.find(({ id }) => id === task)
  }

  /** The process has answered this far: the task waits for the disk only, or is over. */
  answered(job: Job, type: 'syncing' | Outcome['type']): void {
    this.jobs = this.jobs.filter((other) => other !== job)
    if (!this.isBusy) this.pausing = false
    if (type === 'syncing') this.syncing.set(job.id, job)
    else this.syncing.delete(job.id)
  }

  /** The process is gone: gives what it had. */
  empty(): { readonly jobs: readonly Job[]; readonly syncing: readonly Job[] } {
    const had = { jobs: this.jobs, syncing: [...this.syncing.values()] }
    this.process = null
    this.ready = false
    this.pausing = false
    this.jobs = []
    this.syncing.clear()
    return had
  }
}
