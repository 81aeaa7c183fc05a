import type { RuleSet } from '../scanning/index.ts'
import type { StoredNode } from '../store/index.ts'
import type { JobInput, JobKind, JobOutput } from './job.ts'
import type { JobOptions, Work } from './work.ts'

/**
 * Who does the jobs of hunts. A hunt hands them out and puts the answers together in order; it stores what they found and
 * how far it is by itself, in one transaction (`HuntRunner`). So a job that is done twice, or late, changes nothing.
 */
export interface Jobs {
  /** How many jobs of one hunt are worth having under way at once. */
  readonly width: number

  /** Which other processes live that do jobs, as of half a second ago. */
  readonly nodes: readonly StoredNode[]
  /** Jobs that are offered to them, or that they do. */
  readonly elsewhere: number

  /** Other processes may do jobs with the rules of this hunt too, until `end`. The pool knows the set meanwhile. */
  begin(hunt: number, ruleSet: RuleSet): void
  /** Resolves when no other process is asked any more. Where the set was not begun, nothing happens. */
  end(ruleSet: string): Promise<void>

  /** Does a job, here or elsewhere. Fails as `Work` does; rejects with the signal's reason when it is aborted. */
  run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>>
}

/** Jobs of a server that has nobody to share them with. */
export class LocalJobs implements Jobs {
  readonly nodes = []
  readonly elsewhere = 0
  readonly width: number
  readonly #work: Work

  /** `workers`: processes of the pool. Twice as many jobs, so that a worker never waits for this process. */
  constructor(work: Work, workers: number) {
    this.#work = work
    this.width = 2 * workers
  }

  begin(): void {}

  async end(): Promise<void> {}

  run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>> {
    return this.#work.run(kind, input, how)
  }
}
