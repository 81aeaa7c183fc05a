import type { Job } from './job.ts'
import type { PoolStatistics, Role } from './pool-options.ts'
import type { Sent } from './rule-set-registry.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What the processes of these places are about. */
export function processesOf(slots: readonly Slot[]): PoolStatistics['processes'] {
  return slots.flatMap(({ role, process, isBusy }) => {
    if (process?.pid === undefined) return []
    const residentBytes = process.residentBytes()
    return [{ role, pid: process.pid, busy: isBusy, residentBytes, at: process.at() }]
  })
}

/** A place for a worker process, and the tasks it has; the processes in it come and go. */
export class Slot {
  readonly role: Role
  readonly name: string
  /** It stands in while all others are held up; see relief.ts. */
  readonly isRelief: boolean
  process: WorkerProcess | null = null
  /** No process was needed here yet. */
  isUnstarted = true
  ready = false
  /** It was asked to stop at its next item or task. */
  pausing = false
  /** What its process was given to do, in this order, and has not answered. */
  jobs: Job[] = []
  sent: Sent = { sets: new Set(), keys: new Set() }
  /** When it was given its tasks, last answered, or last became idle. */
  since = performance.now()
  /** When its process was started. */
  started = performance.now()
  /** Resident bytes of its process when it had been running for a while; null before. */
  settledBytes: number | null = null
  /** Processes in a row that ended before they were ready. */
  failedStarts = 0
  respawn: NodeJS.Timeout | null = null

  constructor(role: Role, name: string, isRelief = false) {
    this.role = role
    this.name = name
    this.isRelief = isRelief
  }

  get isBusy(): boolean {
    return this.jobs.length > 0
  }

  get canTake(): boolean {
    return this.ready && !this.isBusy && this.process?.isDying === false
  }

  /** It stops soon when it is asked to: between two items, or between two short tasks. */
  get canPause(): boolean {
    return this.jobs.length > 1 || this.jobs[0]?.canPause === true
  }

  give(jobs: Job[]): void {
    this.jobs = jobs
    this.since = performance.now()
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
    return this.jobs.find(({ id }) => id === task)
  }

  /** The process has answered: the task is over, or goes back into the queue. */
  answered(job: Job): void {
    this.jobs = this.jobs.filter((other) => other !== job)
    this.since = performance.now()
    if (!this.isBusy) this.pausing = false
  }

  /** The process is gone: gives what it had. */
  empty(): Job[] {
    const had = this.jobs
    this.process = null
    this.ready = false
    this.pausing = false
    this.jobs = []
    return had
  }
}
