import type { RuleSet } from '../scanning/index.ts'
import type { StoredNode } from '../store/index.ts'
import type { JobInput, JobKind, JobOutput, Lane } from './job.ts'
import type { JobOptions, Work } from './work.ts'

/**
 * Who does jobs. A hunt hands them out and puts the answers together in order; it stores what they found and how far it is
 * by itself, in one transaction (`HuntRunner`), and so does the pipeline of samples that arrive. So a job that is done twice,
 * or late, changes nothing.
 */
export interface Jobs {
  /** How many jobs of one hunt are worth having under way at once. */
  readonly width: number

  /** Which other processes live that do jobs, as of half a second ago. */
  readonly nodes: readonly StoredNode[]
  /** Jobs of a lane that are offered to them, or that they do; of all lanes where none is named. */
  elsewhere(lane?: Lane): number
  /** Whether this process does jobs of a lane now, or leaves them all to nodes that live. */
  isWorking(lane: Lane): boolean
  /** How many more jobs of a lane are worth having under way elsewhere. */
  roomElsewhere(lane: Lane): number

  /**
   * Other processes may do jobs with the rules of this hunt too, or with those that run live (`hunt` is null), until `end`.
   * The pool knows the set meanwhile.
   */
  begin(hunt: number | null, ruleSet: RuleSet): void
  /** Resolves when no other process is asked any more. Where the set was not begun, nothing happens. */
  end(ruleSet: string): Promise<void>

  /** Does a job, here or elsewhere. Fails as `Work` does; rejects with the signal's reason when it is aborted. */
  run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>>

  /**
   * Has a job done elsewhere; null where the caller is to do it: nobody could, or claimed it. Rejects with the signal's
   * reason when it is aborted.
   */
  share<K extends JobKind>(kind: K, input: JobInput<K>, how: ShareOptions): Promise<JobOutput<K> | null>
}

export interface ShareOptions {
  /** One that was begun. */
  readonly ruleSet: string
  readonly signal?: AbortSignal
  /** Whether the caller would rather do it than wait for somebody to claim it. `ageMs`: since it was offered. */
  readonly isWantedBack: (ageMs: number) => boolean
}

/** Jobs of a server that has nobody to share them with. */
export class LocalJobs implements Jobs {
  readonly nodes = []
  readonly width: number
  readonly #work: Work

  /** `workers`: processes of the pool. Twice as many jobs, so that a worker never waits for this process. */
  constructor(work: Work, workers: number) {
    this.#work = work
    this.width = 2 * workers
  }

  elsewhere(): number {
    return 0
  }

  isWorking(): boolean {
    return true
  }

  roomElsewhere(): number {
    return 0
  }

  begin(): void {}

  async end(): Promise<void> {}

  run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>> {
    return this.#work.run(kind, input, how)
  }

  async share(): Promise<null> {
    return null
  }
}
