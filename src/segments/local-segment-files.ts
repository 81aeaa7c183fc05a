import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scratch } from '../store/index.ts'
import type { SegmentFiles } from './segment-files.ts'

/** The files of segments in one folder, which is all there is of them. */
export class LocalSegmentFiles implements SegmentFiles {
  readonly #folder: string
  readonly #scratch: Pick<Scratch, 'id' | 'isAlive'>
  readonly graceMs = 0

  /** The folder is made when it is missing; `scratch` is that of this process. */
  constructor(folder: string, scratch: Pick<Scratch, 'id' | 'isAlive'>) {
    this.#folder = folder
    this.#scratch = scratch
  }

  get process(): string {
    return this.#scratch.id
  }

  isGone(process: string): boolean {
    return !this.#scratch.isAlive(process)
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
  }

  pathOf(file: string): string {
    return join(this.#folder, file)
  }

  /** Its name begins with the process that writes it. */
  freshPath(): string {
    return this.pathOf(`${this.#scratch.id}.${randomUUID()}.segment`)
  }

  placeFor(file: string): string {
    return this.pathOf(file)
  }

  /** Nobody else has this folder. */
  async storedElsewhere(): Promise<null> {
    return null
  }

  /** Whoever writes a segment syncs it. */
  async store(): Promise<void> {}

  async discard(path: string): Promise<void> {
    await rm(path, { force: true }).catch(() => {})
  }

  whileLocal<T>(_paths: readonly string[], work: () => Promise<T>): Promise<T> {
    return work()
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true })
  }

  async sizes(files: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    for (const file of files) {
      const found = await stat(this.pathOf(file)).catch(() => null)
      if (found !== null) sizes.set(file, found.size)
    }
    return sizes
  }

  async restore(): Promise<boolean> {
    return false
  }

  /** What a process that lives is writing has no row yet, and stays. */
  async sweep(namesInRows: () => Promise<ReadonlySet<string>>): Promise<number> {
    const files = await readdir(this.#folder)
    const named = await namesInRows()
    const strange = files.filter((file) => !named.has(file) && !this.#scratch.isAlive(file.split('.')[0] ?? ''))
    for (const file of strange) await rm(this.pathOf(file), { recursive: true, force: true })
    return strange.length
  }
}
