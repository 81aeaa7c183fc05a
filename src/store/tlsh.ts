/** The TLSH of samples (src/similarity): 35 bytes, computed in the background after samples are processed. */
export interface StoredTlsh {
  /** It is to be computed for these samples; not for those that have one, or are gone. */
  enqueue(samples: readonly number[]): Promise<void>
  /** The oldest samples first. */
  findToCompute(
    limit: number,
  ): Promise<{ readonly id: number; readonly sha256: Uint8Array | null; readonly size: number }[]>
  /** It is computed now: null where there is none. Samples that are gone are left out. */
  record(computed: readonly { readonly sample: number; readonly digest: Uint8Array | null }[]): Promise<void>
  /** Null for samples that have none, and until it is computed. */
  find(sample: number): Promise<Uint8Array | null>
}
