/**
 * Copies of objects on the disk of this machine, up to a size: workers read files, and whoever is scanned or asked once is
 * scanned or asked again soon.
 *
 *   <folder>/ab/abcd…        a copy, whole: it is written beside and renamed
 *   <folder>/ab/abcd….part   one that is on its way
 *   <folder>/boot            which run of the system the copies are of
 *
 * A copy that somebody holds stays. Of the others those go first that were held longest ago, so the size is kept but for
 * what is held at once. Nothing here is the only one of its kind, so nothing is synced: what was there before the system
 * started anew may be in part, and is thrown away where its readers would not notice (`keepsOverBoots`).
 */
import { readFileSync, rmSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface LocalCacheSettings {
  readonly folder: string
  /** In bytes. */
  readonly limit: number
  /** What the disk keeps free for others, in bytes, as far as copies can make room for it. */
  readonly keptFree?: number
  /** What the names of copies look like; everything else in the folder goes. */
  readonly isName: (name: string) => boolean
  /** Whether readers of this copy notice that it is damaged. */
  readonly keepsOverBoots: (name: string) => boolean
}

/** Gives the path of a copy, which stays until `release`. */
export interface HeldCopy {
  readonly path: string
  /** Releasing again does nothing. */
  release(): void
}

/**
 * Writes the copy to a path. `absent`: there is no such object, and nothing was written. `unsound`: it is not what it should
 * be, and is not kept longer than it is held.
 */
export type FetchCopy = (path: string) => Promise<'sound' | 'unsound' | 'absent'>

interface Copy {
  /** NO_COPY where nothing is at its path. */
  bytes: number
  holders: number
  /** It goes with its last holder. */
  isPassing: boolean
  /** Under way; resolves to whether there is a copy then. */
  fetching: Promise<boolean> | null
}

const PART = '.part'
const NO_COPY = -1
const KEPT_FREE = 1024 ** 3

export class LocalCache {
  readonly #settings: LocalCacheSettings
  /** Held longest ago first. */
  readonly #copies = new Map<string, Copy>()
  #bytes = 0

  private constructor(settings: LocalCacheSettings) {
    this.#settings = settings
  }

  /** Makes the folder, or takes over what an earlier process has left in it. */
  static async open(settings: LocalCacheSettings): Promise<LocalCache> {
    const cache = new LocalCache(settings)
    await cache.#takeOver()
    return cache
  }

  /** Of all copies. */
  get bytes(): number {
    return this.#bytes
  }

  /** Where the copy of a name is, if there is one. */
  pathOf(name: string): string {
    return join(this.#settings.folder, folderOf(name), name)
  }

  /** Holds a copy, which is fetched where there is none. Where there is no such object, nothing is at the path. */
  async hold(name: string, fetch: FetchCopy): Promise<HeldCopy> {
    const copy = this.#touched(name)
    copy.holders++
    try {
      if (copy.bytes >= 0 && !(await this.#isThere(name, copy)) && copy.fetching === null) this.#count(copy, NO_COPY)
      if (copy.bytes < 0) copy.fetching ??= this.#fetch(name, copy, fetch)
      if (copy.fetching === null || (await copy.fetching)) return this.#held(name, copy)
    } catch (error) {
      this.#letGo(name, copy)
      throw error
    }
    // Nothing to hold; a later caller asks again, since the object may come.
    this.#letGo(name, copy)
    return { path: this.pathOf(name), release: () => {} }
  }

  /** Somebody may have emptied the folder, or cut off what is in it. */
  async #isThere(name: string, copy: Copy): Promise<boolean> {
    const { bytes } = copy
    const found = await stat(this.pathOf(name)).catch(() => null)
    return found?.size === bytes || copy.bytes !== bytes
  }

  /** Holds the place of a copy that the caller writes at its path. */
  reserve(name: string): HeldCopy {
    const copy = this.#touched(name)
    copy.holders++
    return this.#held(name, copy)
  }

  /** A file was written at the path of a reserved name. */
  async written(name: string): Promise<void> {
    const { size } = await stat(this.pathOf(name))
    this.#count(this.#touched(name), size)
    await this.#keepWithin()
  }

  /** Moves a file of the same disk here, as the copy of a name. */
  async takeIn(name: string, path: string): Promise<void> {
    const copy = this.#touched(name)
    copy.holders++
    try {
      await copy.fetching?.catch(() => {})
      await rename(path, this.pathOf(name))
      await this.written(name)
    } finally {
      this.#letGo(name, copy)
    }
  }

  /** The copy is not to be used any more: whoever reads it goes on, and the next one fetches it anew. */
  async drop(name: string): Promise<void> {
    const copy = this.#copies.get(name)
    await copy?.fetching?.catch(() => {})
    this.#remove(name, copy)
  }

  /** The same, once nobody holds the copy. */
  async dropWhenFree(name: string): Promise<void> {
    const copy = this.#copies.get(name)
    if (copy !== undefined && copy.holders > 0) copy.isPassing = true
    else await this.drop(name)
  }

  #remove(name: string, copy: Copy | undefined): void {
    if (copy !== undefined) {
      this.#count(copy, NO_COPY)
      copy.isPassing = false
      if (copy.holders === 0) this.#copies.delete(name)
    }
    // At once with the row: else it could be what somebody has fetched meanwhile.
    rmSync(this.pathOf(name), { force: true })
  }

  #count(copy: Copy, bytes: number): void {
    this.#bytes += Math.max(0, bytes) - Math.max(0, copy.bytes)
    copy.bytes = bytes
  }

  #touched(name: string): Copy {
    const copy = this.#copies.get(name) ?? { bytes: NO_COPY, holders: 0, isPassing: false, fetching: null }
    this.#copies.delete(name)
    this.#copies.set(name, copy)
    return copy
  }

  #held(name: string, copy: Copy): HeldCopy {
    let isHeld = true
    const release = () => {
      if (isHeld) this.#letGo(name, copy)
      isHeld = false
    }
    return { path: this.pathOf(name), release }
  }

  #letGo(name: string, copy: Copy): void {
    copy.holders--
    if (copy.holders > 0) return
    if (copy.isPassing) this.#remove(name, copy)
    else if (copy.bytes < 0 && copy.fetching === null) this.#copies.delete(name)
    else this.#makeRoom()
  }

  #fetch(name: string, copy: Copy, fetch: FetchCopy): Promise<boolean> {
    const fetching = this.#fetchOnce(name, copy, fetch).finally(() => {
      copy.fetching = null
    })
    // Each who waits for it hears of a failure.
    fetching.catch(() => {})
    return fetching
  }

  async #fetchOnce(name: string, copy: Copy, fetch: FetchCopy): Promise<boolean> {
    const path = this.pathOf(name)
    const part = `${path}${PART}`
    try {
      const found = await fetch(part).catch(async (error: NodeJS.ErrnoException) => {
        // A full disk: what nobody holds is worth less than what somebody waits for.
        if (!isFullDisk(error) || !this.#makeRoom(0)) throw error
        return fetch(part)
      })
      if (found === 'absent') return false
      copy.isPassing = found === 'unsound'
      await rename(part, path)
      this.#count(copy, (await stat(path)).size)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
    await this.#keepWithin()
    return true
  }

  /** Others write to the disk too, and must not be refused because of copies. */
  async #keepWithin(): Promise<void> {
    const { folder, limit, keptFree = KEPT_FREE } = this.#settings
    const { bavail, bsize } = await statfs(folder)
    this.#makeRoom(Math.min(limit, this.#bytes - (keptFree - bavail * bsize)))
  }

  /** Removes what nobody holds until all is within a size; false where nothing was removed. */
  #makeRoom(limit = this.#settings.limit): boolean {
    let hasRemoved = false
    for (const [name, copy] of this.#copies) {
      if (this.#bytes <= limit) break
      if (copy.holders > 0 || copy.fetching !== null || copy.bytes < 0) continue
      this.#remove(name, copy)
      hasRemoved = true
    }
    return hasRemoved
  }

  async #takeOver(): Promise<void> {
    const { folder, isName, keepsOverBoots } = this.#settings
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const boot = bootId()
    const before = await readFile(join(folder, 'boot'), 'utf8').catch(() => '')
    const isSameBoot = boot !== '' && boot === before
    const found: { readonly name: string; readonly bytes: number; readonly used: number }[] = []
    for (const first of FOLDERS) {
      const inside = join(folder, first)
      await mkdir(inside, { recursive: true })
      for (const name of await readdir(inside)) {
        const path = join(inside, name)
        const isCopy = isName(name) && folderOf(name) === first && (isSameBoot || keepsOverBoots(name))
        const file = isCopy ? await stat(path) : null
        if (file?.isFile()) found.push({ name, bytes: file.size, used: Math.max(file.atimeMs, file.mtimeMs) })
        else await rm(path, { recursive: true, force: true })
      }
    }
    for (const { name, bytes } of found.sort((a, b) => a.used - b.used)) {
      this.#copies.set(name, { bytes, holders: 0, isPassing: false, fetching: null })
      this.#bytes += bytes
    }
    await writeFile(join(folder, 'boot'), boot, { mode: 0o600 })
    await this.#keepWithin()
  }
}

const FOLDERS = Array.from({ length: 256 }, (_, first) => first.toString(16).padStart(2, '0'))

/** Names begin with hexadecimal digits: a digest, or the id of whoever wrote it. */
function folderOf(name: string): string {
  return name.slice(0, 2)
}

/** Which run of the system this is; empty where that cannot be known. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}

function isFullDisk(error: NodeJS.ErrnoException): boolean {
  return ['ENOSPC', 'EDQUOT', 'storage.full'].includes(error.code ?? '')
}
