import { existsSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import { CONTENTS_FOLDER } from './files/index.ts'
import { wayOut } from './sqlite/database.ts'

/** The marker of a data folder that is being made of a backup, and is none before that has ended. */
export const RESTORING = 'restoring'

/** A file of a data folder: which move it is the source or the target of. */
export const MOVING_FILE = 'moving'

export interface FolderMove {
  readonly id: string
  /** No server starts on the folder before the move has ended. */
  readonly blocks: boolean
  /** A sentence about it. */
  readonly about: string
}

/** Null where there is none. `database.unusable` for a file that says nothing. */
export function readFolderMove(dataFolder: string): FolderMove | null {
  const file = join(dataFolder, MOVING_FILE)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const { id, blocks, about } = JSON.parse(text) as Partial<FolderMove>
    if (typeof id === 'string' && typeof about === 'string') return { id, blocks: blocks !== false, about }
  } catch {
    // Told below.
  }
  throw new Failure('database.unusable', `${file}, which says where a move of the folder is, is damaged.`)
}

/** Refuses with `database.unusable` a folder of which only a part was moved. */
export function refuseUnfinishedMove(dataFolder: string): void {
  const move = readFolderMove(dataFolder)
  if (move?.blocks !== true) return
  throw new Failure(
    'database.unusable',
    `${move.about} Run "backtrail move" again. To give a move out of this folder up, remove the file ${join(dataFolder, MOVING_FILE)}, and empty the target.`,
  )
}

/**
 * Refuses with `database.unusable` to begin anew in a folder that holds contents of samples, but no database or an empty
 * one: all that was known of them would be missing, and nobody would be told. Also refuses a folder that is only half restored.
 */
export async function refuseLostDatabase(dataFolder: string, databaseFile: string): Promise<void> {
  if (existsSync(join(dataFolder, RESTORING)))
    throw new Failure(
      'database.unusable',
      `A restore into ${dataFolder} did not come to its end. Run "backtrail restore" into it again, or remove the folder.`,
    )
  const size = await stat(databaseFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > 0) return
  const contents = join(dataFolder, CONTENTS_FOLDER)
  for (const part of await readdir(contents).catch(() => [])) {
    if ((await readdir(join(contents, part))).length === 0) continue
    throw new Failure('database.unusable', `${databaseFile} is missing or empty, but there are samples. ${wayOut}`)
  }
}
