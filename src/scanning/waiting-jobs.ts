import type { Job } from './job.ts'
import { type Priority, PriorityQueue } from './priorities.ts'
import { Producers } from './producers.ts'

/** Tasks that no process has yet, and those who wait for room before they send theirs. */
export class WaitingJobs {
  readonly scans = new PriorityQueue<Job>()
  /** Texts to be checked or planned, for which there are processes of their own. */
  readonly texts = new PriorityQueue<Job>()
  readonly #producers = new Producers()
  readonly #limit: number

  /** `limit`: how many may wait in one priority. */
  constructor(limit: number) {
    this.#limit = limit
  }

  counts(): Readonly<Record<Priority, number>> {
    return {
      interactive: this.#count('interactive'),
      live: this.#count('live'),
      hunt: this.#count('hunt'),
      background: this.#count('background'),
    }
  }

  isFull(priority: Priority): boolean {
    return this.#count(priority) >= this.#limit
  }

  /** Whether a task with `waitForRoom` may be added now: callers that wait for room already come first. */
  hasRoom(priority: Priority): boolean {
    return !this.isFull(priority) && this.#producers.waiting(priority) === 0
  }

  /** Resolves when its priority has room, in the order of the calls, or when the task is settled. */
  room({ priority, done }: Job): Promise<void> {
    return this.#producers.wait(priority, done)
  }

  add(job: Job): void {
    this.#queueOf(job).add(job.priority, job.group, job)
  }

  /** Puts a task that had started back in front of its group. */
  addFirst(job: Job): void {
    this.#queueOf(job).addFirst(job.priority, job.group, job)
  }

  remove(job: Job): void {
    this.#queueOf(job).remove(job.priority, job.group, job)
  }

  /** A task has left the queue of the priority: there is room for another. */
  left(priority: Priority): void {
    this.#producers.release(priority)
  }

  /** Empties the queues. */
  drain(): Job[] {
    return [...this.scans.drain(), ...this.texts.drain()]
  }

  releaseProducers(): void {
    this.#producers.releaseAll()
  }

  #queueOf(job: Job): PriorityQueue<Job> {
    return job.isAboutText ? this.texts : this.scans
  }

  #count(priority: Priority): number {
    return this.scans.waiting(priority) + this.texts.waiting(priority)
  }
}
