import type { Readable } from 'node:stream'

/**
 * Where the contents of samples are kept, each under its SHA-256. A content is written once and never changes. Nobody
 * above this folder knows where one lies: whoever needs a file, such as a worker, leases one.
 */
export interface ContentStore {
  /**
   * Does what takes long of `put` for a staged file, to be called before `withLock`: else a large file keeps all others
   * waiting. It may be in vain, and is no promise. Throws `storage.full`, `storage.unavailable`.
   */
  putAhead(file: StagedContent): Promise<void>

  /**
   * Makes staged files the contents of the given digests and then runs `commit`, which makes their rows. When `commit`
   * begins, the contents survive a loss of power; when it fails, they are deleted again, also by a later start if this
   * process is killed before. A content that is there already is replaced by its equal. To be called within `withLock`.
   * Files that did not become contents are left to the caller. Throws `storage.full`.
   */
  put<T>(files: readonly StagedContent[], commit: () => Promise<T>): Promise<T>

  /**
   * Runs `commit`, which deletes rows and gives the digests that have no row any more, and then deletes those contents
   * for good. `digests` has at least these: where this process is killed in between, a later start deletes them. A
   * content that is not there is no error. To be called within `withLock`.
   */
  delete(digests: readonly Uint8Array[], commit: () => Promise<readonly Uint8Array[]>): Promise<void>

  /**
   * Runs work that changes which contents have a sample (putting and inserting, deleting and removing), one after the
   * other: else a content that comes back while it is deleted would be lost.
   */
  withLock<T>(work: () => Promise<T>): Promise<T>

  /**
   * Local copies of these contents, in the same order, for as long as the lease is held. They are only read. Where a
   * content is not there, nothing is at its path: whoever opens it has to deal with that in any case.
   */
  lease(digests: readonly Uint8Array[]): Promise<ContentLease>

  /**
   * Opens a content for reading, or the bytes `start` to `end` of it (both inclusive). The caller consumes or destroys
   * the stream. Throws `sample.gone` when the content is not there.
   */
  range(sha256: Uint8Array, bytes?: { readonly start: number; readonly end: number }): Promise<Content>

  /** The size of a content in bytes; null when it is not there. */
  size(sha256: Uint8Array): Promise<number | null>

  /** The digests, in hexadecimal and ascending, of the contents that begin with a byte; 0 to 255. */
  list(firstByte: number): Promise<string[]>

  /** Takes a content away that is not what its digest says, and keeps it for people. */
  setAside(sha256: Uint8Array): Promise<void>
}

/** A file of the scratch folder that is to become a content. */
export interface StagedContent {
  readonly temporary: string
  readonly sha256: Uint8Array
  /** Whether the file's bytes have been synced already. */
  readonly synced: boolean
}

export interface ContentLease {
  readonly paths: readonly string[]
  /** Nobody reads the paths any more; releasing again does nothing. */
  release(): void
}

export interface Content {
  /** Of the whole content, in bytes. */
  readonly size: number
  readonly stream: Readable
}

/** Gives each item the path of its content, and holds their lease for as long as the work takes. */
export async function whileAllLeased<I extends { readonly sha256: Uint8Array }, T>(
  contents: ContentStore,
  items: readonly I[],
  work: (leased: readonly (I & { readonly path: string })[]) => Promise<T>,
): Promise<T> {
  const lease = await contents.lease(items.map(({ sha256 }) => sha256))
  try {
    return await work(items.map((item, n) => ({ ...item, path: lease.paths[n] as string })))
  } finally {
    lease.release()
  }
}

/** The same with one content. */
export async function whileLeased<T>(
  contents: ContentStore,
  sha256: Uint8Array,
  work: (path: string) => Promise<T>,
): Promise<T> {
  return whileAllLeased(contents, [{ sha256 }], ([leased]) => work((leased as { path: string }).path))
}
