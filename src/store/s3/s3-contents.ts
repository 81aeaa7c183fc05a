/**
 * Contents as objects: `contents/ab/abcd…` below the prefix of a cluster, each under its SHA-256, in 256 parts by their
 * first byte, since a store takes so many requests a second for each part of its names.
 *
 * A content is an object before its row is committed, and is acknowledged after that; its row is deleted before it is. So
 * rows never name what is not there, and a kill, or a commit of which nobody knows, leaves at most objects without a row.
 * `sweep` deletes those, a day after they were written: until then somebody may be about to commit their rows.
 *
 * Workers read copies in the cache of this machine. What was just stored is taken into it, since it is examined next.
 */

import { stat } from 'node:fs/promises'
import { inParallel, Lock } from '../../background/index.ts'
import { Failure } from '../../errors/index.ts'
import type { Content, ContentLease, ContentStore, StagedContent } from '../files/content-store.ts'
import { isContentName } from '../files/layout.ts'
import type { Scratch } from '../files/scratch.ts'
import type { StoredSamples } from '../samples.ts'
import { type Bucket, isInParts } from './bucket.ts'
import type { HeldCopy, LocalCache } from './local-cache.ts'

export interface S3ContentsParts {
  readonly bucket: Pick<Bucket, 'putFile' | 'download' | 'range' | 'head' | 'delete' | 'list'>
  /** On the disk of the scratch folder. */
  readonly cache: LocalCache
  readonly scratch: Pick<Scratch, 'fresh' | 'discard'>
  /** Rejects where another server has the database now: it may have stored again what this one deleted from it. */
  readonly demandOwner?: () => Promise<unknown>
  /** Hears of a content that could not be deleted now. */
  readonly onLeft: (error: unknown) => void
}

/** Requests of one call that are under way at once. */
const AT_ONCE = 16
const DAY_MS = 24 * 60 * 60 * 1_000

const FOLDER = 'contents'
/** The names of objects that are copies of damaged contents begin so. */
export const DAMAGED_OBJECTS = 'damaged/'

export class S3Contents implements ContentStore {
  readonly #parts: S3ContentsParts
  readonly #lock = new Lock()

  constructor(parts: S3ContentsParts) {
    this.#parts = parts
  }

  /** Nobody's yet: where no row comes of it, `sweep` deletes it. */
  async putAhead({ temporary, sha256 }: StagedContent): Promise<void> {
    const { size } = await stat(temporary)
    if (isInParts(size)) await this.#parts.bucket.putFile(keyOf(sha256), temporary, sha256)
  }

  /** As the interface has it, but for contents whose rows could not be committed: `sweep` deletes them. */
  async put<T>(files: readonly StagedContent[], commit: () => Promise<T>): Promise<T> {
    const { bucket, cache } = this.#parts
    await inParallel(files, AT_ONCE, ({ temporary, sha256 }) => bucket.putFile(keyOf(sha256), temporary, sha256))
    // A content that is twice among them has one file that is there.
    for (const { temporary, sha256 } of new Map(files.map((file) => [file.sha256.toHex(), file])).values())
      await cache.takeIn(sha256.toHex(), temporary)
    await this.#discardDoubles(files)
    return commit()
  }

  /** Contents that cannot be deleted after the commit are left to `sweep`. */
  async delete(_digests: readonly Uint8Array[], commit: () => Promise<readonly Uint8Array[]>): Promise<void> {
    const deleted = await commit()
    await inParallel(deleted, AT_ONCE, (sha256) => this.#remove(sha256).catch(this.#parts.onLeft))
  }

  withLock<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.withLock(work)
  }

  /** Copies in the cache. Throws `storage.unavailable`, `storage.full`. */
  async lease(digests: readonly Uint8Array[]): Promise<ContentLease> {
    const held: (HeldCopy | undefined)[] = []
    const release = () => {
      for (const copy of held) copy?.release()
    }
    try {
      await inParallel(digests.entries(), AT_ONCE, async ([n, sha256]) => {
        held[n] = await this.#hold(sha256)
      })
    } catch (error) {
      release()
      throw error
    }
    return { paths: held.map((copy) => (copy as HeldCopy).path), release }
  }

  async range(sha256: Uint8Array, bytes?: { readonly start: number; readonly end: number }): Promise<Content> {
    const content = await this.#parts.bucket.range(keyOf(sha256), bytes)
    if (content === null) throw new Failure('sample.gone', undefined, { reason: 'NoSuchKey' })
    return content
  }

  async size(sha256: Uint8Array): Promise<number | null> {
    return (await this.#parts.bucket.head(keyOf(sha256)))?.size ?? null
  }

  async list(firstByte: number): Promise<string[]> {
    const names: string[] = []
    for await (const page of this.#parts.bucket.list(contentFolder(firstByte))) {
      names.push(...page.map(({ key }) => nameOf(key)).filter(isContentName))
    }
    return names.sort()
  }

  /** It is kept under `damaged/`. */
  async setAside(sha256: Uint8Array): Promise<void> {
    const { bucket, scratch } = this.#parts
    const copy = scratch.fresh()
    try {
      const found = await bucket.download(keyOf(sha256), copy)
      if (found !== null)
        await bucket.putFile(`${DAMAGED_OBJECTS}${sha256.toHex()}`, copy, Uint8Array.fromHex(found.sha256))
    } finally {
      await scratch.discard(copy)
    }
    await this.#remove(sha256)
  }

  /**
   * Deletes the contents that begin with a byte, have no row, and were written more than a day before `present`
   * (milliseconds since 1970). Gives how many.
   */
  async sweep(
    firstByte: number,
    samples: Pick<StoredSamples, 'listContents' | 'isStored'>,
    present = Date.now(),
  ): Promise<number> {
    let deleted = 0
    // Both by ascending digests, so a page of one is compared with as many of the other.
    let after: Uint8Array | null = null
    for await (const page of this.#parts.bucket.list(contentFolder(firstByte))) {
      const contents = page.filter(({ key }) => isContentName(nameOf(key)))
      const last = contents.at(-1)
      if (last === undefined) continue
      const stored = await storedUpTo(nameOf(last.key), firstByte, after, samples)
      after = Uint8Array.fromHex(nameOf(last.key))
      for (const { key, modified } of contents) {
        const name = nameOf(key)
        if (stored.has(name) || modified > present - DAY_MS) continue
        const sha256 = Uint8Array.fromHex(name)
        // In turn with those who commit rows: one that comes back meanwhile has its row, or is written after this.
        deleted += await this.withLock(async () => {
          if (await samples.isStored(sha256)) return 0
          await this.#remove(sha256)
          return 1
        })
      }
    }
    return deleted
  }

  /** There are no intents to recover: see above. */
  async recover(): Promise<number> {
    return 0
  }

  /** A copy that is what its digest says; what the store has otherwise is held for those who look for damage. */
  #hold(sha256: Uint8Array): Promise<HeldCopy> {
    const { bucket, cache } = this.#parts
    const hex = sha256.toHex()
    return cache.hold(hex, async (path) => {
      for (let tries = 1; ; tries++) {
        const found = await bucket.download(keyOf(sha256), path)
        if (found === null) return 'absent'
        if (found.sha256 === hex) return 'sound'
        // Once more: the fault may have been on the way.
        if (tries === 2) return 'unsound'
      }
    })
  }

  async #remove(sha256: Uint8Array): Promise<void> {
    await this.#parts.cache.drop(sha256.toHex())
    await this.#parts.demandOwner?.()
    await this.#parts.bucket.delete(keyOf(sha256))
  }

  async #discardDoubles(files: readonly StagedContent[]): Promise<void> {
    const kept = new Set([...new Map(files.map((file) => [file.sha256.toHex(), file])).values()])
    for (const file of files) if (!kept.has(file)) await this.#parts.scratch.discard(file.temporary)
  }
}

const ROWS_AT_ONCE = 1_000

/** The contents that samples have, behind a digest and up to another one at least; in hexadecimal. */
async function storedUpTo(
  last: string,
  firstByte: number,
  after: Uint8Array | null,
  { listContents }: Pick<StoredSamples, 'listContents'>,
): Promise<ReadonlySet<string>> {
  const stored = new Set<string>()
  for (let from = after; ; ) {
    const rows = await listContents(firstByte, from, ROWS_AT_ONCE)
    for (const { sha256 } of rows) stored.add(sha256.toHex())
    from = rows.at(-1)?.sha256 ?? null
    if (from === null || rows.length < ROWS_AT_ONCE || from.toHex() >= last) return stored
  }
}

function keyOf(sha256: Uint8Array): string {
  return contentKey(sha256.toHex())
}

/** The name of a content's object; `hex` is its SHA-256. */
export function contentKey(hex: string): string {
  return `${FOLDER}/${hex.slice(0, 2)}/${hex}`
}

/** Where the objects are of the contents that begin with a byte; of all contents without one. */
export function contentFolder(firstByte?: number): string {
  return firstByte === undefined ? `${FOLDER}/` : `${FOLDER}/${firstByte.toString(16).padStart(2, '0')}/`
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}
