/**
 * Room that is kept aside, as a file of that size, so that deleting and starting work on a disk that is full: both need
 * a little room before they make any. The file is removed for as long as they are at work and written again afterwards.
 * New samples are refused while it is not whole, so that they never take its room.
 */
import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'

const RESERVE_BYTES = 8 * 1024 * 1024
const CHUNK = 1024 * 1024
/** Between two tries of work that meets a full disk with the reserve released: others may be quicker to take the room. */
const AGAIN_MS = 100
const TRIES = 5

/** What services do with the reserve. */
export interface Room {
  lend<T>(work: () => Promise<T>): Promise<T>
  demandRoom(): Promise<void>
}

export class Reserve implements Room {
  readonly #path: string
  readonly #folder: string
  /** Who works with the room of the reserve now. */
  #borrowers = 0

  constructor(dataFolder: string) {
    this.#folder = dataFolder
    this.#path = join(dataFolder, 'reserve')
  }

  /** Whether there is so much room that the reserve need not be touched. */
  async isAffordable(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#folder)
    return bavail * bsize >= RESERVE_BYTES
  }

  /** Takes what is missing, as far as there is room. */
  refill(): void {
    if (!this.#isWhole()) this.#write()
  }

  /** Gives the room away until `refill` or `restore`. */
  release(): void {
    rmSync(this.#path, { force: true })
  }

  /** Takes what is missing, where that leaves as much for others; false where the reserve is not whole. */
  async restore(): Promise<boolean> {
    if (this.#borrowers > 0) return false
    if (this.#isWhole()) return true
    const { bavail, bsize } = await statfs(this.#folder)
    if (bavail * bsize < RESERVE_BYTES + CHUNK || this.#borrowers > 0) return false
    return this.#write()
  }

  /** Throws `storage.full` while there is no room for new samples beside the reserve. */
  async demandRoom(): Promise<void> {
    if (this.#borrowers === 0 && this.#isWhole()) return
    if (!(await this.restore())) throw new Failure('storage.full')
  }

  /**
   * Does work that makes room, or that makes little of it. When the storage is full, it is done again with the room of the
   * reserve; work that fails with `storage.full` must have changed nothing.
   */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isFull(error)) throw error
    }
    this.#borrowers++
    this.release()
    try {
      for (let tries = 1; ; tries++) {
        try {
          return await work()
        } catch (error) {
          if (!isFull(error) || tries === TRIES) throw error
        }
        await delay(AGAIN_MS)
      }
    } finally {
      this.#borrowers--
      // As much of it as there is room for: the next deletion needs it too.
      if (this.#borrowers === 0) this.#write()
    }
  }

  #isWhole(): boolean {
    return (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= RESERVE_BYTES
  }

  /** Writes the reserve as far as there is room; true when it is whole. */
  #write(): boolean {
    // Random bytes, so that a file system that compresses keeps the room all the same.
    const chunk = Buffer.alloc(CHUNK)
    const part = `${this.#path}.writing`
    try {
      const file = openSync(part, 'w', 0o600)
      try {
        for (let size = 0; size < RESERVE_BYTES; size += CHUNK) {
          randomFillSync(chunk)
          for (let at = 0; at < CHUNK; ) at += writeSync(file, chunk, at)
        }
      } finally {
        closeSync(file)
      }
    } catch {
      // The disk is full again: what was written stays, as a smaller reserve.
    }
    try {
      renameSync(part, this.#path)
    } catch {
      rmSync(part, { force: true })
    }
    return this.#isWhole()
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Failure
    ? error.code === 'storage.full'
    : ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}
