import type { Classification } from './classifications.ts'
import type { Micros } from './clock.ts'

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
  /** In the language of the sample search; one that cannot be understood selects nothing. */
  readonly query?: string
  /** Lower-case hexadecimal digits of any of the four kinds; only these samples. */
  readonly hashes?: readonly string[]
}

/** Which samples a retro hunt covers. */
export interface Coverage {
  /** Analysed, or seen again, at this time or later. */
  readonly since: Micros
  /** Ids of samples that were there at the start. */
  readonly upTo: number
  readonly maxBytes: number
}

export interface SampleToScan {
  readonly id: number
  readonly sha256: Uint8Array
  readonly size: number
  readonly name: string
  readonly fileType: string
}

/** The stored and processed samples, as hunts ask for them: by id, many at a time. */
export interface StoredCorpus {
  /** Ascending, with `after < id <= upTo`. */
  processedIds(after: number, upTo: number): Promise<Uint32Array>
  /** How many have `after < id <= upTo`. */
  count(after: number, upTo: number): Promise<number>
  /** How many there are, and their bytes, as they are counted; `listed`: as the list of them has it. */
  whole(): Promise<{ readonly samples: number; readonly bytes: number }>
  countListed(): Promise<number>
  /** The greatest id; 0 without samples. */
  lastId(): Promise<number>
  /** How many stored samples, processed or not, have a smaller id than this. */
  countStoredBelow(id: number): Promise<number>
  /** Of stored samples, processed or not, with `from <= id <= upTo`. */
  sizes(from: number, upTo: number): Promise<{ readonly id: number; readonly size: number }[]>
  findToScan(ids: readonly number[]): Promise<SampleToScan[]>
  /** By ascending id. */
  findNames(
    ids: readonly number[],
  ): Promise<{ readonly id: number; readonly name: string; readonly fileType: string }[]>
  /** By ascending id, with `from <= id <= upTo`. */
  select(selection: Selection, from: number, upTo: number): Promise<{ readonly id: number; readonly size: number }[]>
  /** Ascending ids. Archives are left out: what is in them is covered as samples of their own. */
  covered(coverage: Coverage): Promise<Uint32Array>
}
