import type { ScanLimits } from '../limits.ts'
import type { ProgressWriter, Stage } from '../progress-record.ts'
import type { Exclusions, ScanFailure } from '../protocol.ts'

const MEGABYTE = 1024 * 1024

/** What a task knows about itself, and its way to the progress record. */
export class Task {
  readonly id: number
  readonly exclusions: Exclusions
  readonly #progressRecord: ProgressWriter
  readonly #limits: ScanLimits

  constructor(
    progress: ProgressWriter,
    limits: ScanLimits,
    about: { readonly id: number; readonly exclusions: Exclusions },
  ) {
    this.#progressRecord = progress
    this.#limits = limits
    this.id = about.id
    this.exclusions = about.exclusions
  }

  /** To be called before every step that reads hostile bytes or may take long. */
  note(
    stage: Stage,
    about: {
      readonly item?: number
      readonly ruleset?: string | null
      readonly bundle?: boolean
      readonly allowedMs?: number
    } = {},
  ): void {
    this.#progressRecord.note({
      stage,
      task: this.id,
      item: about.item ?? 0,
      ruleset: about.ruleset ?? null,
      bundle: about.bundle ?? false,
      allowedMs: about.allowedMs ?? this.stallMs,
    })
  }

  /** The step goes on as it should; its time starts again. */
  readonly progress = (): void => this.#progressRecord.touch()

  /** How long one pass over `size` bytes may take. */
  scanMs(size: number): number {
    return this.#limits.scanMs + (size / MEGABYTE) * this.#limits.scanMsPerMegabyte
  }

  /** Copying, merging and reading: how long a step may take without a sign of progress. */
  get stallMs(): number {
    return this.#limits.stallMs
  }

  get compileMs(): number {
    return this.#limits.compileMs
  }

  get planMs(): number {
    return this.#limits.planMs
  }

  /** Why a ruleset is not run on an item, if that was decided. */
  givenUp(item: number, ruleset: string): ScanFailure | undefined {
    for (const pair of this.exclusions.pairs) {
      if (pair.item === item && (pair.ruleset === null || pair.ruleset === ruleset)) return pair.failure
    }
    return undefined
  }
}
