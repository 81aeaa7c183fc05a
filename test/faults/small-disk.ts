import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A file system in memory that is small enough to be filled, mounted for the time of one test. */
export class SmallDisk {
  readonly folder: string
  readonly #filling: string

  private constructor(folder: string) {
    this.folder = folder
    this.#filling = join(folder, 'filling')
  }

  /** Throws when this user may not mount. */
  static mount(t: TestContext, megabytes: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'backtrail-small-disk-'))
    const reason = tryMounting(folder, megabytes)
    if (reason !== null) {
      rmSync(folder, { recursive: true })
      throw new Error(`A small disk cannot be mounted: ${reason}`)
    }
    // Lazily, since a server that is killed at the end of a failed test may still be on it.
    t.after(() => {
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    })
    mkdirSync(join(folder, 'home'))
    return new SmallDisk(folder)
  }

  /** Why tests with a small disk have to be skipped here; false when they can run, or have to. */
  static get skipped(): string | false {
    if (process.env.BACKTRAIL_NO_SKIPS === '1') return false
    const folder = mkdtempSync(join(tmpdir(), 'backtrail-small-disk-'))
    const reason = tryMounting(folder, 1)
    if (reason === null) spawnSync('umount', [folder])
    rmSync(folder, { recursive: true, force: true })
    return reason === null ? false : `no small disk can be mounted: ${reason}`
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Takes all room but so many bytes; a page more or less may be left. */
  fill(leaving = 0): void {
    const chunk = Buffer.alloc(4096, 1)
    const file = openSync(this.#filling, 'a')
    try {
      while (this.freeBytes > leaving) writeSync(file, chunk)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  /** Gives the room back. */
  free(): void {
    unlinkSync(this.#filling)
  }
}

function tryMounting(folder: string, megabytes: number): string | null {
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  return status === 0 ? null : (error?.message ?? String(stderr).trim())
}
