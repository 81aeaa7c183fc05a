import type { BlobStore, Content } from './blob-store.ts'

export declare class FileBlobs implements BlobStore {
  /**
   * Opens the blobs under `<dataFolder>/blobs` and the temporary files under `<dataFolder>/incoming`, making what is
   * missing, and removes temporary files that an earlier process left (`leftovers`, for the start-up report).
   */
  static open(
    dataFolder: string,
  ): Promise<{ readonly blobs: FileBlobs; readonly leftovers: { readonly files: number; readonly bytes: number } }>

  temporary(): string
  discard(temporary: string): Promise<void>
  adopt(
    files: readonly { readonly temporary: string; readonly sha256: Uint8Array; readonly synced: boolean }[],
  ): Promise<void>
  doubt(digests: readonly Uint8Array[]): Promise<() => Promise<void>>
  path(sha256: Uint8Array): string
  has(sha256: Uint8Array): Promise<boolean>
  open(sha256: Uint8Array, range?: { readonly start: number; readonly end: number }): Promise<Content>
  remove(sha256: Uint8Array): Promise<void>

  /** At start-up: removes contents that were left in doubt and that no sample has; gives how many. */
  settle(isKnown: (sha256: Uint8Array) => Promise<boolean>): Promise<number>
}
