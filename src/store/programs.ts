import type { ProgramFacts } from '../programs/index.ts'

/** What samples that are programs are made of: kept when they are examined, and looked up by the sample search. */
export interface StoredPrograms {
  /** Takes the place of what was known of the samples; those that are gone are left out. */
  record(programs: readonly { readonly sample: number; readonly facts: ProgramFacts }[]): Promise<void>
  /** Null for what is no program, or is not known. */
  find(sample: number): Promise<ProgramFacts | null>
  /** The import hash, of those of the samples that have one. */
  imphashesOf(samples: readonly number[]): Promise<Map<number, string>>

  /** The traits `signer` and `serial` of each of the samples that has some. */
  signersOf(
    samples: readonly number[],
  ): Promise<Map<number, { readonly field: 'signer' | 'serial'; readonly value: string }[]>>

  /** Samples that came before this was kept, and have a content; the oldest first. */
  findToRead(
    limit: number,
  ): Promise<{ readonly id: number; readonly sha256: Uint8Array | null; readonly size: number }[]>
  /** They are read, or cannot be. */
  markRead(samples: readonly number[]): Promise<void>
}
