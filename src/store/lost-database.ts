import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import { wayOut } from './sqlite/database.ts'

/**
 * Refuses with `database.unusable` to begin anew in a folder that holds contents of samples, but no database or an empty
 * one: all that was known of them would be missing, and nobody would be told.
 */
export async function refuseLostDatabase(dataFolder: string, databaseFile: string): Promise<void> {
  const size = await stat(databaseFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > 0) return
  const contents = join(dataFolder, 'blobs')
  for (const part of await readdir(contents).catch(() => [])) {
    if ((await readdir(join(contents, part))).length === 0) continue
    throw new Failure('database.unusable', `${databaseFile} is missing or empty, but there are samples. ${wayOut}`)
  }
}
