/** The files that there are, and what is known of them. */
export interface StoredSamples {
  exists(id: number): Promise<boolean>
}
