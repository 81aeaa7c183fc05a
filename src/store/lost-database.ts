import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import { CONTENTS_FOLDER } from './files/index.ts'
import { wayOut } from './sqlite/database.ts'

/** The marker of a data folder that is being made of a backup, and is none before that has ended. */
export const RESTORING = 'restoring'

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
