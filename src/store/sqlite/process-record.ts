/**
 * What is known of a process that works on the data folder while it lives, and after it was killed: a small database
 * that it has to itself. The operating system releases the lock when the process ends, however it ends; so whoever can
 * lock it knows that the process is gone, and finds its intents.
 *
 * Its rows are intents: contents that are about to get their names, or to lose their rows. They are here and not in the
 * database of the data folder, because nothing waits for the disk here: what a kill leaves behind has to be known, and
 * the operating system still writes what a killed process has written. In the database each admission would wait for
 * the disk once more. A loss of power may take intents with it; the comparison of contents and rows finds what is left.
 */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Failure } from '../../errors/index.ts'

export class ProcessRecord {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Makes the record of this process, at a path where nothing is. Throws `storage.full`. */
  static create(path: string): ProcessRecord {
    const record = understood(() => ProcessRecord.#lock(path))
    // Somebody was quicker to take it for the record of a process that is gone.
    if (record === null || !existsSync(path)) throw new Error(`${path} was removed while it was made.`)
    return record
  }

  /** The record of a process that is gone; null while it lives. What cannot be read has no intents. */
  static takeOver(path: string): ProcessRecord | null {
    return ProcessRecord.#lock(path)
  }

  static #lock(path: string): ProcessRecord | null {
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      // Before the first access: then the log needs no memory that other processes share, and the lock is never released.
      database.exec('PRAGMA locking_mode = EXCLUSIVE')
      database.exec('PRAGMA journal_mode = WAL')
      database.exec('PRAGMA synchronous = OFF')
      // A quarter of a megabyte: room that a full disk needs for others.
      database.exec('PRAGMA wal_autocheckpoint = 64')
      database.exec('BEGIN EXCLUSIVE')
      database.exec('CREATE TABLE IF NOT EXISTS intents (sha256 BLOB NOT NULL) STRICT')
      database.exec('COMMIT')
      return new ProcessRecord(database)
    } catch (error) {
      database.close()
      if (codeOf(error) === BUSY) return null
      throw error
    }
  }

  /** Records intents; they are pending until `remove`. Throws `storage.full`, and nothing is recorded then. */
  add(digests: readonly Uint8Array[]): void {
    understood(() =>
      this.#database.prepare('INSERT INTO intents SELECT unhex(value) FROM json_each(?)').run(asJson(digests)),
    )
  }

  /** Where there is no room to remove them they stay, and are looked up in vain later. */
  remove(digests: readonly Uint8Array[]): void {
    try {
      this.#database
        .prepare('DELETE FROM intents WHERE sha256 IN (SELECT unhex(value) FROM json_each(?))')
        .run(asJson(digests))
    } catch (error) {
      if (codeOf(error) !== FULL) throw error
    }
  }

  pending(): Uint8Array[] {
    return this.#database
      .prepare('SELECT DISTINCT sha256 FROM intents ORDER BY sha256')
      .all()
      .map(({ sha256 }) => sha256 as Uint8Array)
      .filter(({ length }) => length === 32)
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

function asJson(digests: readonly Uint8Array[]): string {
  return JSON.stringify(digests.map((digest) => Buffer.from(digest).toString('hex')))
}

function understood<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (codeOf(error) === FULL) throw new Failure('storage.full', undefined, { reason: 'ENOSPC' })
    throw error
  }
}

const [BUSY, FULL] = [5, 13]

function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
}
