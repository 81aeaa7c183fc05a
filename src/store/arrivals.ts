import type { Micros } from './clock.ts'

/** A name that a sample came with. */
export interface KnownName {
  /** The file name, without folders. */
  readonly name: string
  /** Where the file lay, or the member in its archive; empty where nobody said. */
  readonly folder: string
  /** Of the file, empty where nobody said. */
  readonly owner: string
}

/** One time that a content came in. */
export interface Sighting {
  readonly name: string
  /** Who sent it, by name. */
  readonly user: string | null
  readonly source: 'upload' | 'ingest' | 'member'
  readonly comment: string | null
  readonly seen: Micros
  /** Where the file lay, and whose it was; null where nobody said. */
  readonly folder: string | null
  readonly owner: string | null
}

export type NewSighting = Omit<Sighting, 'user' | 'seen'> & {
  readonly sampleId: number
  readonly userId: number | null
}

/** Each time that a content came in, with its name, source and sender. */
export interface StoredArrivals {
  /**
   * The names of samples, by id: those that somebody sent before those that archives gave, and the newest first. Samples
   * that nobody has sent, such as those of the cloud, have none.
   */
  names(sampleIds: readonly number[]): Promise<Map<number, KnownName[]>>
  /**
   * At least the names of samples that `names` gives, in no order, for a third of the cost: where it is decided which
   * of very many samples a name rules out, one too many does no harm.
   */
  allNames(sampleIds: readonly number[]): Promise<Map<number, KnownName[]>>
  add(sightings: readonly NewSighting[], seen: Micros): Promise<void>
  /** The newest ones of a sample, the newest first. */
  list(sampleId: number, limit: number): Promise<Sighting[]>
  /** File names alone, so many of each sample: those that it had first. */
  firstNames(sampleIds: readonly number[], limit: number): Promise<Map<number, string[]>>
  /** A sample with this SHA-1 that the user has sent; null for none. */
  findOfUser(sha1: string, userId: number): Promise<number | null>
  /** What a user has sent, by upload or from a folder, the newest first: behind an id, or from the newest one on. */
  listSent(
    userId: number,
    before: number | null,
    limit: number,
  ): Promise<{ readonly id: number; readonly sampleId: number; readonly size: number; readonly seen: Micros }[]>
  /** Whether the user has sent the sample under a name. */
  hasNamed(sampleId: number, userId: number, name: string): Promise<boolean>
  /** All times that the user has sent it under this name, it had another one. */
  rename(
    sampleId: number,
    userId: number,
    from: string,
    to: { readonly name: string; readonly folder: string | null },
  ): Promise<void>
}
