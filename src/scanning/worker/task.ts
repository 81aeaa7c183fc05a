import type { FlightWriter, Stage } from '../flight-record.ts'
import type { ScanLimits } from '../limits.ts'
import type { Avoid, Trouble } from '../protocol.ts'

const MEGABYTE = 1024 * 1024

/** What a task is told about itself, and its line to the flight record. */
export class Task {
  readonly id: number
  readonly avoid: Avoid
  readonly #deadlineMs: number | null
  readonly #flight: FlightWriter
  readonly #limits: ScanLimits

  constructor(
    flight: FlightWriter,
    limits: ScanLimits,
    about: { readonly id: number; readonly avoid: Avoid; readonly deadlineMs: number | null },
  ) {
    this.#flight = flight
    this.#limits = limits
    this.id = about.id
    this.avoid = about.avoid
    this.#deadlineMs = about.deadlineMs
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
    this.#flight.note({
      stage,
      task: this.id,
      item: about.item ?? 0,
      ruleset: about.ruleset ?? null,
      bundle: about.bundle ?? false,
      allowedMs: about.allowedMs ?? this.stallMs,
    })
  }

  /** The step goes on as it should; its time starts again. */
  readonly progress = (): void => this.#flight.touch()

  /** How long one pass over `size` bytes may take. */
  scanMs(size: number): number {
    return this.#deadlineMs ?? this.#limits.scanMs + (size / MEGABYTE) * this.#limits.scanMsPerMegabyte
  }

  /** Copying, merging and reading: how long a step may take without a sign of progress. */
  get stallMs(): number {
    return this.#limits.stallMs
  }

  get compileMs(): number {
    return this.#deadlineMs ?? this.#limits.compileMs
  }

  get planMs(): number {
    return this.#deadlineMs ?? this.#limits.planMs
  }

  /** Why a ruleset is not run on an item, if that was decided. */
  givenUp(item: number, ruleset: string): Trouble | undefined {
    for (const pair of this.avoid.pairs) {
      if (pair.item === item && (pair.ruleset === null || pair.ruleset === ruleset)) return pair.trouble
    }
    return undefined
  }
}
