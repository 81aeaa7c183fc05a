import { rm } from 'node:fs/promises'

/** Files that readers hold on to: one that is retired while somebody reads it is removed with its last reader. */
export class PinnedFiles {
  readonly #readers = new Map<string, number>()
  readonly #retired = new Set<string>()

  pin(path: string): void {
    this.#readers.set(path, (this.#readers.get(path) ?? 0) + 1)
  }

  unpin(path: string): void {
    const readers = (this.#readers.get(path) ?? 0) - 1
    if (readers > 0) {
      this.#readers.set(path, readers)
      return
    }
    this.#readers.delete(path)
    if (this.#retired.delete(path)) void remove(path)
  }

  async retire(path: string): Promise<void> {
    if (this.#readers.has(path)) this.#retired.add(path)
    else await remove(path)
  }
}

/** What cannot be removed now is found by the next start-up. */
async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {})
}
