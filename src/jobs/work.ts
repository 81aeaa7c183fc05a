import { Failure } from '../errors/index.ts'
import type { RunOptions, WorkerPool } from '../scanning/index.ts'
import type { SegmentFiles } from '../segments/index.ts'
import { type ContentStore, whileAllLeased } from '../store/index.ts'
import type { JobInput, JobKind, JobOutput } from './job.ts'

export interface WorkParts {
  readonly pool: Pick<WorkerPool, 'run'>
  readonly contents: Pick<ContentStore, 'lease'>
  readonly files: Pick<SegmentFiles, 'pathOf' | 'whileLocal' | 'placeFor' | 'store' | 'discard'>
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
    if (kind === 'evaluate') return this.#evaluate(input as JobInput<'evaluate'>, how)
    if (kind === 'verify') return this.#verify(input as JobInput<'verify'>, how)
    if (kind === 'examine') return this.#examine(input as JobInput<'examine'>, how)
    return this.#merge(input as JobInput<'merge'>, how)
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

  async #examine({ items }: JobInput<'examine'>, { ruleSet, ...how }: JobOptions): Promise<JobOutput<'examine'>> {
    const { pool, contents } = this.#parts
    const named = items.map((item) => ({ item, sha256: item.digests.sha256 }))
    const found = await whileAllLeased(contents as ContentStore, named, (leased) =>
      Promise.all(
        leased.map(({ item, path }) =>
          pool.run('examine', { ...item, path, ruleSet }, { ...how, waitForRoom: true }).catch((error) => {
            // Whoever wants to know finds out what is wrong with this sample; the others are answered.
            if (how.signal?.aborted || error instanceof Failure) throw error
            return null
          }),
        ),
      ),
    )
    return { found }
  }

  async #merge(
    { inputs, output, without }: JobInput<'merge'>,
    { ruleSet: _, ...how }: JobOptions,
  ): Promise<JobOutput<'merge'>> {
    const { pool, files } = this.#parts
    const paths = inputs.map((file) => files.pathOf(file))
    const place = files.placeFor(output)
    try {
      const task = { inputs: paths, output: place, without }
      const merged = await files.whileLocal(paths, () => pool.run('merge', task, { ...how, waitForRoom: true }))
      if (merged.samples > 0) await files.store(place)
      else await files.discard(place)
      return merged
    } catch (error) {
      await files.discard(place)
      throw error
    }
  }
}
