/**
 * The database at one instant, beside its users. SQLite copies its pages as they are, in one read transaction, so writers
 * go on meanwhile (the log grows until the copy is complete). The copy is then checked as a whole: damage is copied
 * faithfully, and found.
 */
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { Failure } from '../../errors/index.ts'
import { checkFirst } from '../database-health.ts'
import type { Store } from '../store.ts'
import { checkDatabase } from './checking.ts'
import { openDatabase } from './database.ts'
import { newestSchema } from './migrate.ts'
import { storeOf } from './store.ts'

/** A sample with a stored content, as the database has it. */
export interface SampleRow {
  readonly id: number
  readonly sha256: string
  readonly size: number
}

export interface SegmentRow {
  readonly file: string
  readonly bytes: number
}

/** All pages in one step: between two steps a writer would make the copy begin anew. */
const ALL_PAGES = 0x7fffffff

/** Copies the database of a data folder. Fails with `database.unusable` where it is damaged; the copy is removed then. */
export async function copyDatabase(from: string, to: string, signal: AbortSignal): Promise<void> {
  try {
    const source = new DatabaseSync(from, { readOnly: true, timeout: 30_000 })
    try {
      await backup(source, to, { rate: ALL_PAGES })
    } finally {
      source.close()
    }
    const copy = new DatabaseSync(to)
    // Without a log, the copy is one file, which can be read from a medium that cannot be written.
    copy.exec('PRAGMA journal_mode = DELETE')
    copy.close()
    const [problem] = await checkDatabase(to, 'full', signal)
    if (problem !== undefined) throw damagedSource(from, problem)
    const file = openSync(to, 'r')
    fsyncSync(file)
    closeSync(file)
  } catch (error) {
    for (const rest of ['', '-journal', '-wal', '-shm']) rmSync(`${to}${rest}`, { force: true })
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
    if (code === CORRUPT || code === NOTADB) throw damagedSource(from, (error as Error).message)
    if (code === FULL)
      throw new Failure('storage.full', `There is no room for a copy of the database at ${to}; free some space.`)
    throw error
  }
}

const [CORRUPT, FULL, NOTADB] = [11, 13, 26]

function damagedSource(path: string, problem: string): Failure {
  return new Failure(
    'database.unusable',
    `${path} is damaged (${problem}), so there is no new backup; an earlier one in the folder is as it was. ${checkFirst}`,
  )
}

/** Reads the rows of a database that may be in use. */
export class DatabaseReader {
  readonly #database: DatabaseSync

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 30_000 })
  }

  get schema(): number {
    return Number(this.#database.prepare('PRAGMA user_version').get()?.user_version)
  }

  get samples(): { readonly count: number; readonly bytes: number } {
    const row = this.#database.prepare('SELECT count(*) AS n, sum(size) AS bytes FROM samples WHERE stored = 1').get()
    return { count: Number(row?.n), bytes: Number(row?.bytes ?? 0) }
  }

  /** Those whose digests begin with a byte, ascending. */
  samplesFrom(firstByte: number): SampleRow[] {
    const next = firstByte === 255 ? Buffer.alloc(33, 0xff) : Buffer.from([firstByte + 1])
    return this.#database
      .prepare('SELECT id, sha256, size FROM samples WHERE stored = 1 AND sha256 >= ? AND sha256 < ?')
      .all(Buffer.from([firstByte]), next)
      .map(({ id, sha256, size }) => ({
        id: Number(id),
        sha256: Buffer.from(sha256 as Uint8Array).toString('hex'),
        size: Number(size),
      }))
  }

  *sampleIds(): Generator<number> {
    for (const { id } of this.#database.prepare('SELECT id FROM samples WHERE stored = 1').iterate()) yield Number(id)
  }

  hasSample(id: number): boolean {
    return this.#database.prepare('SELECT 1 FROM samples WHERE id = ? AND stored = 1').get(id) !== undefined
  }

  segments(): SegmentRow[] {
    return this.#database
      .prepare("SELECT file, bytes FROM segments WHERE state = 'live'")
      .all()
      .map(({ file, bytes }) => ({ file: basename(String(file)), bytes: Number(bytes) }))
  }

  hasSegment(file: string): boolean {
    return this.#database.prepare("SELECT 1 FROM segments WHERE file = ? AND state = 'live'").get(file) !== undefined
  }

  close(): void {
    this.#database.close()
  }
}

/**
 * Changes the copy of a database, as one file again and checked as a whole. `database.unusable` for one of another version
 * of this program.
 */
export async function changeCopy(
  copy: string,
  signal: AbortSignal,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const reader = new DatabaseReader(copy)
  const { schema } = reader
  reader.close()
  if (schema !== newestSchema())
    throw new Failure(
      'database.unusable',
      'The running server is of another version than this program; back up with the version that runs.',
    )
  const store = storeOf(await openDatabase(copy))
  try {
    await work(store)
  } finally {
    await store.close()
  }
  const file = new DatabaseSync(copy)
  file.exec('PRAGMA journal_mode = DELETE')
  file.close()
  const [problem] = await checkDatabase(copy, 'full', signal)
  if (problem !== undefined) throw new Error(`The copy of the database is damaged after it was changed: ${problem}`)
}
