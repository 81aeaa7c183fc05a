import type { Job } from './job.ts'
import { type Lane, LaneQueue } from './lanes.ts'
import { Producers } from './producers.ts'

/** Tasks that no process has yet, and those who wait for room before they send theirs. */
export class WaitingJobs {
  readonly scans = new LaneQueue<Job>()
  /** Texts to be checked or planned, for which there are processes of their own. */
  readonly texts = new LaneQueue<Job>()
  readonly #producers = new Producers()
  readonly #limit: number

  /** `limit`: how many may wait in one lane. */
  constructor(limit: number) {
    this.#limit = limit
  }

  counts(): Readonly<Record<Lane, number>> {
    return {
      interactive: this.#count('interactive'),
      live: this.#count('live'),
      hunt: this.#count('hunt'),
      background: this.#count('background'),
    }
  }

  isFull(lane: Lane): boolean {
    return this.#count(lane) >= this.#limit
  }

  /** Whether a patient task may be added now: those who wait for room come before it. */
  hasRoom(lane: Lane): boolean {
    return !this.isFull(lane) && this.#producers.waiting(lane) === 0
  }

  /** Resolves when there is room in its lane, after those who asked before, or when the task is settled. */
  room({ lane, done }: Job): Promise<void> {
    return this.#producers.wait(lane, done)
  }

  add(job: Job): void {
    this.#queueOf(job).add(job.lane, job.group, job)
  }

  /** Puts a task that had started back in front of its group. */
  addFirst(job: Job): void {
    this.#queueOf(job).addFirst(job.lane, job.group, job)
  }

  remove(job: Job): void {
    this.#queueOf(job).remove(job.lane, job.group, job)
  }

  /** A task has left the lane: there is room for another. */
  left(lane: Lane): void {
    this.#producers.release(lane)
  }

  /** Empties the queues. */
  drain(): Job[] {
    return [...this.scans.drain(), ...this.texts.drain()]
  }

  releaseProducers(): void {
    this.#producers.releaseAll()
  }

  #queueOf(job: Job): LaneQueue<Job> {
    return job.isAboutText ? this.texts : this.scans
  }

  #count(lane: Lane): number {
    return this.scans.waiting(lane) + this.texts.waiting(lane)
  }
}
