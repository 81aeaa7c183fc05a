/** The files that there are, and what is known of them. */
export interface StoredSamples {
  exists(id: number): Promise<boolean>
  /** 40 hexadecimal digits; null for a sample that is gone. */
  sha1Of(id: number): Promise<string | null>
  /** What there is to know about it beside its facts; null where all went well. */
  noteOf(id: number): Promise<string | null>
  setNote(id: number, note: string): Promise<void>
}
