import { randomUUID } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import { externalVariables, nameVariables, type Sample, type Samples } from '../samples/index.ts'
import { type HitString, hitString, type ScanError, type WorkerPool } from '../scanning/index.ts'
import { type ContentStore, type Store, whileLeased } from '../store/index.ts'

/** A rule that holds on the sample, with its strings by ascending offset; private strings are left out. */
export interface MatchedRule {
  readonly rule: string
  readonly tags: readonly string[]
  readonly strings: readonly HitString[]
}

export interface MatchedStrings {
  readonly rules: readonly MatchedRule[]
  /** Why the ruleset could not be run to its end on this sample; null when it was. */
  readonly trouble: string | null
}

export interface EntropyProfile {
  readonly size: number
  /** Bits a byte, 0 to 8; slice i of n ends at byte `floor((i + 1) * size / n)`. */
  readonly bits: Float32Array
}

interface InspectionParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly rulesets: Rulesets
  readonly samples: Samples
}

/** Matches are stored without their strings, so looking at them is scanning that one sample again. */
export class Inspection {
  readonly #parts: InspectionParts

  constructor(parts: InspectionParts) {
    this.#parts = parts
  }

  /**
   * Scans the sample with the ruleset's newest text that compiles. Fails with `sample.not-found`, `sample.gone`,
   * `ruleset.not-found`, `rules.invalid` for a ruleset that never compiled.
   */
  async strings(hash: string, rulesetName: string, signal: AbortSignal): Promise<MatchedStrings> {
    const { pool, contents } = this.#parts
    const { sample, sha256 } = await this.#stored(hash)
    const ruleset = await this.#runnable(rulesetName)
    const id = `look:${randomUUID()}`
    pool.setRuleSet({ id, rulesets: [ruleset] })
    try {
      const names = await this.#parts.store.arrivals.names([sample.id])
      const [first = { name: sample.name, folder: '', owner: '' }, ...others] = names.get(sample.id) ?? []
      const variables = externalVariables(first, sample.fileType)
      const alsoNamed = others.map(nameVariables)
      const item = { sample: sample.id, sha256, size: sample.size, variables, alsoNamed, rulesets: null }
      const { results } = await whileLeased(contents, sha256, (path) =>
        pool.run(
          'verify',
          { ruleSet: id, items: [{ ...item, path }], strings: true },
          { priority: 'interactive', signal },
        ),
      )
      const [result] = results
      if (!result) throw new Error('A scan of one sample gave no result.')
      return {
        rules: result.hits.map(({ rule, tags, strings }) => ({ rule, tags, strings: strings.map(hitString) })),
        trouble: failureOf(result.errors),
      }
    } finally {
      pool.dropRuleSet(id)
    }
  }

  /** Fails with `sample.not-found` or `sample.gone`. */
  async entropy(hash: string, slices: number, signal: AbortSignal): Promise<EntropyProfile> {
    const { pool, contents } = this.#parts
    const { sha256 } = await this.#stored(hash)
    try {
      return await whileLeased(contents, sha256, (path) =>
        pool.run('entropy', { path, slices }, { priority: 'interactive', signal }),
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Failure('sample.gone')
      throw error
    }
  }

  async #stored(hash: string): Promise<{ sample: Sample; sha256: Uint8Array }> {
    const sample = await this.#parts.samples.get(hash)
    if (sample.sha256 === null || !sample.stored) throw new Failure('sample.gone')
    return { sample, sha256: Buffer.from(sample.sha256, 'hex') }
  }

  async #runnable(name: string) {
    const { store, rulesets } = this.#parts
    await rulesets.get(name)
    const revisionId = await store.revisions.findNewestValid(name)
    const [ruleset] = revisionId === null ? [] : await rulesets.runnable([revisionId])
    if (!ruleset) throw new Failure('rules.invalid')
    return ruleset
  }
}

function failureOf(errors: readonly ScanError[]): string | null {
  return errors.length === 0 ? null : errors.map(({ message }) => message).join(' ')
}
