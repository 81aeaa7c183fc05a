import type { Readable } from 'node:stream'

/** Where the contents of samples lie, each under its SHA-256. A content is written once and never changes. */
export interface BlobStore {
  /** A fresh path on the store's own file system, for a file that may be adopted; it does not exist yet. */
  temporary(): string

  /** Removes a temporary file that will not be adopted; no error when it is gone already. */
  discard(temporary: string): Promise<void>

  /**
   * Makes temporary files the contents of the given digests. When it resolves, the contents survive a loss of power.
   * A content that is there already stays, and the temporary file goes. `synced` says that the caller has synced the
   * file's bytes itself. Rejects with `Failure('storage.full')` when there is no room.
   */
  adopt(
    files: readonly { readonly temporary: string; readonly sha256: Uint8Array; readonly synced: boolean }[],
  ): Promise<void>

  /**
   * Notes durably enough for a kill that the contents of these digests may be without a sample until the returned
   * function is called; `settle` of the next start-up looks them up.
   */
  doubt(digests: readonly Uint8Array[]): Promise<() => Promise<void>>

  /** The file that workers read. It exists only if the content does. */
  path(sha256: Uint8Array): string

  has(sha256: Uint8Array): Promise<boolean>

  /** Opens a content for reading. Throws `Failure('sample.gone')` when it is not there. The caller consumes or destroys the stream. */
  open(sha256: Uint8Array, range?: { readonly start: number; readonly end: number }): Promise<Content>

  /** Removes a content for good; no error when there is none. */
  remove(sha256: Uint8Array): Promise<void>
}

export interface Content {
  readonly size: number
  readonly stream: Readable
}
