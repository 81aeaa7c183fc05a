import type { RunOptions, WorkerPool } from '../scanning/index.ts'
import type { SegmentFiles } from '../segments/index.ts'
import { type ContentStore, whileAllLeased } from '../store/index.ts'
import type { JobInput, JobKind, JobOutput } from './job.ts'

export interface WorkParts {
  readonly pool: Pick<WorkerPool, 'run'>
  readonly contents: Pick<ContentStore, 'lease'>
  readonly files: Pick<SegmentFiles, 'pathOf' | 'whileLocal'>
}

/** `ruleSet` is known to the pool of whoever does the job. */
export type JobOptions = Omit<RunOptions, 'waitForRoom'> & { readonly ruleSet: string }

/** Does jobs with the workers and the disk of this process. Fails as the pool's tasks do, and with `storage.unavailable`. */
export class Work {
  readonly #parts: WorkParts

  constructor(parts: WorkParts) {
    this.#parts = parts
  }

  run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>>
  run(kind: JobKind, input: JobInput<JobKind>, how: JobOptions): Promise<JobOutput<JobKind>> {
    return kind === 'evaluate'
      ? this.#evaluate(input as JobInput<'evaluate'>, how)
      : this.#verify(input as JobInput<'verify'>, how)
  }

  #evaluate(input: JobInput<'evaluate'>, { ruleSet, ...how }: JobOptions): Promise<JobOutput<'evaluate'>> {
    const { pool, files } = this.#parts
    const segment = files.pathOf(input.segment)
    const task = { ...input, ruleSet, segment }
    return files.whileLocal([segment], () => pool.run('evaluate', task, { ...how, waitForRoom: true }))
  }

  async #verify({ items, strings }: JobInput<'verify'>, { ruleSet, ...how }: JobOptions): Promise<JobOutput<'verify'>> {
    const { pool, contents } = this.#parts
    const begin = performance.now()
    const output = await whileAllLeased(contents as ContentStore, items, (leased) =>
      pool.run('verify', { ruleSet, items: leased, strings }, { ...how, waitForRoom: true }),
    )
    return { ...output, tookMs: performance.now() - begin }
  }
}
