import type { Classification, Micros } from '../store/index.ts'

/** A part of the corpus: samples for which every given condition holds. An empty selection is everything. */
export interface Selection {
  readonly firstSeenFrom?: Micros
  readonly firstSeenTo?: Micros
  readonly lastSeenFrom?: Micros
  readonly lastSeenTo?: Micros
  readonly classifications?: readonly Classification[]
  /**
   * A file type, or the beginning of one up to a slash: `PE/Exe`, `Binary/Archive`. `PE` has the programs of 32 and of 64
   * bits, `PE32` and `PE32+` those of one kind. Any of them.
   */
  readonly fileTypes?: readonly string[]
  /** Any of them. */
  readonly tags?: readonly string[]
  /** `*` and `?` stand for any characters and one character; ASCII case does not matter. */
  readonly namePattern?: string
  readonly minSize?: number
  readonly maxSize?: number
  /** Lower-case hexadecimal digits of any of the four kinds; only these samples. */
  readonly hashes?: readonly string[]
}

export function isEverything(selection: Selection): boolean {
  return Object.values(selection).every((condition) => condition === undefined)
}
