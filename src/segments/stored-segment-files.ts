/**
 * The files of segments as objects, `segments/<file>` below the prefix of a cluster, with copies in the cache of this
 * machine: a segment is evaluated on local bytes, and one that is not there is fetched as a whole.
 *
 *   row `staged` ──▶ written here ──store──▶ object ──▶ row `live` ──▶ row `retired` ──▶ object deleted ──▶ no row
 *
 * An object has its row from before it is stored until after it is deleted; live rows never name what is not there. The
 * grace of an hour is for backups: of the rows first, then of the objects. Objects without a row are none that this program
 * leaves; they are swept all the same, a day after they were written.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pLimit from 'p-limit'
import type { Bucket, HeldCopy, LocalCache, Scratch } from '../store/index.ts'
import type { SegmentFiles } from './segment-files.ts'

export interface StoredSegmentFilesParts {
  readonly bucket: Pick<Bucket, 'putFile' | 'download' | 'head' | 'delete' | 'list'>
  readonly cache: LocalCache
  readonly scratch: Pick<Scratch, 'id'>
  readonly clock?: () => number
}

/** Whether a copy of that name is one of a segment. */
export function isSegmentName(name: string): boolean {
  return /^[0-9a-f][0-9a-f-]*\.[0-9a-f-]+\.segment$/.test(name)
}

/** What the names of their objects begin with. */
export const SEGMENT_OBJECTS = 'segments/'
const GRACE_MS = 60 * 60 * 1_000
const DAY_MS = 24 * GRACE_MS
/** Fetched at once: each is some hundred megabytes. */
const FETCHES = 8

export class StoredSegmentFiles implements SegmentFiles {
  readonly #parts: StoredSegmentFilesParts
  readonly #clock: () => number
  readonly #fetches = pLimit(FETCHES)
  /** The places of files that are being written, by their paths. */
  readonly #writing = new Map<string, HeldCopy>()
  readonly graceMs = GRACE_MS

  constructor(parts: StoredSegmentFilesParts) {
    this.#parts = parts
    this.#clock = parts.clock ?? Date.now
  }

  get process(): string {
    return this.#parts.scratch.id
  }

  /** Most of them are on other machines. */
  isGone(): null {
    return null
  }

  async open(): Promise<void> {}

  pathOf(file: string): string {
    return this.#parts.cache.pathOf(file)
  }

  freshPath(): string {
    return this.placeFor(`${this.#parts.scratch.id}.${randomUUID()}.segment`)
  }

  placeFor(file: string): string {
    if (this.#writing.has(this.pathOf(file))) throw new Error(`The segment ${file} is being written here already.`)
    const place = this.#parts.cache.reserve(file)
    this.#writing.set(place.path, place)
    return place.path
  }

  async storedElsewhere(path: string): Promise<number | null> {
    const found = await this.#parts.bucket.head(`${SEGMENT_OBJECTS}${basename(path)}`)
    if (found !== null) this.#endWriting(path)
    return found?.size ?? null
  }

  async store(path: string): Promise<void> {
    const file = basename(path)
    await this.#parts.bucket.putFile(`${SEGMENT_OBJECTS}${file}`, path, await digestOfFile(path))
    await this.#parts.cache.written(file)
    this.#endWriting(path)
  }

  /** What is an object already is left to `remove`. */
  async discard(path: string): Promise<void> {
    this.#endWriting(path)
    await this.#parts.cache.dropWhenFree(basename(path)).catch(() => {})
  }

  async whileLocal<T>(paths: readonly string[], work: () => Promise<T>): Promise<T> {
    const held: HeldCopy[] = []
    try {
      const holding = paths.map(async (path) => held.push(await this.#hold(basename(path))))
      const failed = (await Promise.allSettled(holding)).find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
      return await work()
    } finally {
      for (const copy of held) copy.release()
    }
  }

  async remove(path: string): Promise<void> {
    const file = basename(path)
    await this.#parts.bucket.delete(`${SEGMENT_OBJECTS}${file}`)
    await this.#parts.cache.dropWhenFree(file)
  }

  /** All of them by one walk through the names. */
  async sizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    for await (const page of this.#parts.bucket.list(SEGMENT_OBJECTS))
      for (const { key, size } of page) sizes.set(key.slice(SEGMENT_OBJECTS.length), size)
    return sizes
  }

  async restore(path: string, isSound: (path: string) => boolean | Promise<boolean>): Promise<boolean> {
    await this.#parts.cache.drop(basename(path))
    return this.whileLocal([path], async () => isSound(path))
  }

  async sweep(namesInRows: () => Promise<ReadonlySet<string>>): Promise<number> {
    const { bucket } = this.#parts
    const objects: { readonly file: string; readonly modified: number }[] = []
    for await (const page of bucket.list(SEGMENT_OBJECTS))
      for (const { key, modified } of page) objects.push({ file: key.slice(SEGMENT_OBJECTS.length), modified })
    const named = await namesInRows()
    const present = this.#clock()
    let removed = 0
    for (const { file, modified } of objects) {
      if (named.has(file) || modified > present - DAY_MS) continue
      await this.remove(file)
      removed++
    }
    return removed
  }

  #hold(file: string): Promise<HeldCopy> {
    const { bucket, cache } = this.#parts
    return cache.hold(file, (path) =>
      this.#fetches(async () => {
        for (let tries = 1; ; tries++) {
          const found = await bucket.download(`${SEGMENT_OBJECTS}${file}`, path)
          if (found === null) return 'absent'
          if (found.declared === null || found.declared === found.sha256) return 'sound'
          // Once more: the fault may have been on the way. Then readers find what is wrong with it.
          if (tries === 2) return 'unsound'
        }
      }),
    )
  }

  #endWriting(path: string): void {
    this.#writing.get(path)?.release()
    this.#writing.delete(path)
  }
}

/** The SHA-256 of a file. */
export async function digestOfFile(path: string): Promise<Uint8Array> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest()
}
