import { writeFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A member that was unpacked: its file carries a number, so that no name from an archive ever becomes a path. */
export interface Member {
  /** As text: '/' between parts, no control characters, well-formed, at most 1,024 characters. */
  readonly name: string
  readonly path: string
  readonly size: number
  /** Of the other of two file systems, and called as a file of the same size in the first: most often the same file. */
  readonly isTwin?: boolean
}

/** Writes members one after the other into a private folder. */
export class MemberFiles {
  readonly #folder: string
  readonly #members: Member[] = []
  #current: { readonly name: string; readonly path: string; readonly file: FileHandle; size: number } | null = null

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async in(folder: string): Promise<MemberFiles> {
    await mkdir(folder, { mode: 0o700 })
    return new MemberFiles(folder)
  }

  get members(): readonly Member[] {
    return this.#members
  }

  /** A whole member at once. A small file is sooner written than its writing is scheduled. */
  add(name: string, bytes: Uint8Array): void {
    const path = this.#nextPath()
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 })
    this.#members.push({ name, path, size: bytes.length })
  }

  async begin(name: string): Promise<void> {
    const path = this.#nextPath()
    this.#current = { name, path, file: await open(path, 'wx', 0o600), size: 0 }
  }

  async write(bytes: Uint8Array): Promise<void> {
    const current = this.#current
    if (current === null) throw new Error('No member was begun.')
    await current.file.writeFile(bytes)
    current.size += bytes.length
  }

  async end(): Promise<void> {
    const current = this.#current
    if (current === null) return
    this.#current = null
    await current.file.close()
    this.#members.push({ name: current.name, path: current.path, size: current.size })
  }

  /** Drops the member that was begun and not ended, if there is one. */
  async abandon(): Promise<void> {
    const current = this.#current
    if (current === null) return
    this.#current = null
    await current.file.close()
    await rm(current.path)
  }

  #nextPath(): string {
    return join(this.#folder, String(this.#members.length))
  }
}
