import type { Sample } from './samples.ts'

/** One end of "this archive holds this sample", with where in the archive it is. */
export interface ExtractedFile {
  readonly sample: Sample
  /** Its path inside the archive, as text. */
  readonly path: string
}

/** Which samples came out of which archives: their members, direct ones only. */
export interface StoredMembers {
  count(archive: number): Promise<number>
  /** Ascending by path. */
  list(archive: number, part: { readonly offset: number; readonly limit: number }): Promise<ExtractedFile[]>
  /** The archives that a sample is a member of, each as often as it holds it. */
  archivesOf(sampleId: number, limit: number): Promise<ExtractedFile[]>
  /** False where the archive is known to hold it there, or was deleted meanwhile. */
  add(archive: number, path: string, sampleId: number): Promise<boolean>
  /** Those members of the archives that nobody has sent by themselves, each once with every archive that holds it. */
  findUnsent(archives: readonly number[]): Promise<{ readonly member: number; readonly archive: number }[]>
  /** The archives that hold one of the samples, without the samples themselves. */
  findOtherArchives(sampleIds: readonly number[]): Promise<number[]>
  /** Brings up to date how many files the archives are known to hold. */
  recount(archives: readonly number[]): Promise<void>
}
