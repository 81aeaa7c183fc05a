import type { Readable } from 'node:stream'

/** Where the contents of samples lie, each under its SHA-256. A content is written once and never changes. */
export interface BlobStore {
  /** A fresh path on the store's own file system, for a file or a folder of the caller's; nothing exists there yet. */
  temporary(): string

  /** Removes a temporary file or folder that will not be adopted; no error when it is gone already. */
  abort(temporary: string): Promise<void>

  /**
   * Makes temporary files the contents of the given digests. When it resolves, the contents survive a loss of power.
   * A content that is there already is replaced by its equal. On failure some may have been adopted: `doubt` first.
   * Throws `storage.full`.
   */
  commit(files: readonly StagedContent[]): Promise<void>

  /**
   * Notes that the contents of these digests may be without a sample until the returned function is called, so that the
   * next start-up looks them up (`FileBlobs.settle`) if this process is killed in between.
   */
  recordIntent(digests: readonly Uint8Array[]): Promise<() => Promise<void>>

  /**
   * Runs work that changes which contents have a sample (adopting and inserting, deleting and removing), one after the
   * other: else a content that comes back while it is deleted would be lost.
   */
  withLock<T>(work: () => Promise<T>): Promise<T>

  /** The file that workers read. It exists only if the content does. */
  path(sha256: Uint8Array): string

  has(sha256: Uint8Array): Promise<boolean>

  /** The size of a content in bytes; null when it is not there. */
  size(sha256: Uint8Array): Promise<number | null>

  /**
   * Opens a content for reading, or the bytes `start` to `end` of it (both inclusive). The caller consumes or destroys
   * the stream. Throws `sample.gone` when the content is not there.
   */
  open(sha256: Uint8Array, range?: { readonly start: number; readonly end: number }): Promise<Content>

  /** The digests, in hexadecimal and ascending, of the contents that begin with a byte; 0 to 255. */
  list(firstByte: number): Promise<string[]>

  /** Takes a content away that is not what its digest says, and keeps it for people in `damaged/`. */
  setAside(sha256: Uint8Array): Promise<void>

  /** Removes a content for good; no error when there is none. */
  remove(sha256: Uint8Array): Promise<void>
}

export interface StagedContent {
  readonly temporary: string
  readonly sha256: Uint8Array
  /** Whether the file's bytes have been synced already. */
  readonly synced: boolean
}

export interface Content {
  /** Of the whole content, in bytes. */
  readonly size: number
  readonly stream: Readable
}
