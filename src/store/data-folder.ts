import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Failure } from '../errors/index.ts'
import { asStorageFailure } from './files/index.ts'
import { asUnusableFolder } from './unusable-folder.ts'

/** The file of the database in a data folder. */
export const DATABASE = 'backtrail.db'

/**
 * A data folder has one owner at a time: the server, or a command that works on the folder directly.
 *
 * Node offers no file lock, and a file with a process id in it outlives a killed owner. SQLite does lock files through
 * the operating system, which lets go of a lock when its process ends, however it ends. So the lock is an exclusive
 * transaction on an empty database, `lock.db`, that stays open; `owner.json` beside it only tells the others who it is.
 */
export interface DataFolderLock {
  /** Tells others under which address the folder's owner can be reached. Throws `storage.full`. */
  announce(url: string): void
  release(): void
}

interface Owner {
  readonly pid: number
  readonly url: string | null
}

/**
 * Takes the folder, making it if there is none. `data-folder.locked` with `pid` and `url` in its detail while another
 * process has it; `data-folder.unusable` for a path that cannot be a data folder.
 */
export function lockDataFolder(folder: string): DataFolderLock {
  try {
    makeFolder(folder)
    return lock(folder)
  } catch (error) {
    throw asUnusableFolder(error, folder)
  }
}

function makeFolder(folder: string): void {
  // The recursive mkdir of Node never ends below /proc, where no folder can be made.
  if (/^\/proc(?:\/|$)/.test(resolve(folder))) {
    const message = `${folder} cannot be used: /proc holds no files. Name another folder with --data.`
    throw new Failure('data-folder.unusable', message)
  }
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Node gives this code for whatever keeps it from making the first folder of the path: that one alone gives the reason.
    let first = folder
    while (!existsSync(dirname(first)) && dirname(first) !== first) first = dirname(first)
    mkdirSync(first, { mode: 0o700 })
    throw error
  }
}

function lock(folder: string): DataFolderLock {
  const ownerFile = join(folder, 'owner.json')
  const database = openLock(folder)
  const writeOwner = (url: string | null): void => {
    // Renamed into place, so that nobody reads half of it.
    try {
      writeFileSync(`${ownerFile}.new`, JSON.stringify({ pid: process.pid, url } satisfies Owner), { mode: 0o600 })
    } catch (error) {
      rmSync(`${ownerFile}.new`, { force: true })
      throw asStorageFailure(error)
    }
    renameSync(`${ownerFile}.new`, ownerFile)
  }
  const release = () => {
    if (!database.isOpen) return
    rmSync(ownerFile, { force: true, recursive: true })
    database.close()
  }
  try {
    // Remains of an owner that was killed; a folder of that name would stand in the way.
    rmSync(ownerFile, { force: true, recursive: true })
    rmSync(`${ownerFile}.new`, { force: true, recursive: true })
    writeOwner(null)
  } catch (error) {
    // The lock holds without it: on a full disk others are only not told who has it, until it is announced.
    if (!(error instanceof Failure && error.code === 'storage.full')) {
      database.close()
      throw error
    }
  }
  return { announce: writeOwner, release }
}

/** The lock, held for as long as the database is open. */
function openLock(folder: string): DatabaseSync {
  const file = join(folder, 'lock.db')
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    // Else the transaction begins with a file beside it, for which a full disk has no room.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
    if (code === BUSY) throw lockedBy(folder, readOwner(join(folder, 'owner.json')))
    const reason = (error as Error).message
    if (code === NOTADB || code === CORRUPT) {
      const message = `${file}, which only locks the data folder and holds nothing, is damaged. When no other Backtrail uses the folder, remove that file and start again.`
      throw new Failure('data-folder.unusable', message)
    }
    if (code === FULL)
      throw new Failure('storage.full', `The storage of ${folder} is full; free some space and start again.`)
    if (code !== 0) {
      const message = `${file} cannot be opened for reading and writing (${reason}): it must be a file, and belong to the user that runs Backtrail, like all of the data folder, on a file system that can be written.`
      throw new Failure('data-folder.unusable', message)
    }
    throw error
  }
}

const [BUSY, CORRUPT, FULL, NOTADB] = [5, 11, 13, 26]

function readOwner(file: string): Owner | null {
  try {
    const { pid, url } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner>
    return typeof pid === 'number' ? { pid, url: typeof url === 'string' ? url : null } : null
  } catch {
    // The owner is between taking the lock and telling its name; it holds the folder all the same.
    return null
  }
}

function lockedBy(folder: string, owner: Owner | null): Failure {
  const process = owner ? `process ${owner.pid}` : 'another process'
  const message = owner?.url
    ? `The data folder ${folder} is locked by the server at ${owner.url} (${process}); work through it with --server, or stop it first.`
    : `The data folder ${folder} is locked by ${process}; wait until it has ended.`
  return new Failure('data-folder.locked', message, { folder, pid: owner?.pid ?? null, url: owner?.url ?? null })
}
