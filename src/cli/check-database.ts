import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import {
  asUnusableFolder,
  type CheckDepth,
  checkDatabase,
  DATABASE,
  damageOfLog,
  lockDataFolder,
  makeFilesPrivate,
  rebuildDatabase,
  refuseLostDatabase,
  wayOut,
} from '../store/index.ts'

/** False where the database is damaged and was not made anew; what is wrong is printed. */
export async function isDatabaseSound(
  data: string,
  { rebuild, depth }: { readonly rebuild: boolean; readonly depth: CheckDepth },
  signal: AbortSignal,
): Promise<boolean> {
  if (!existsSync(data))
    throw new Failure(
      'settings.invalid',
      `There is no data folder ${data}; name one with --data, or a server with --server.`,
    )
  makeFilesPrivate()
  const file = join(data, DATABASE)
  const lock = lockDataFolder(data)
  try {
    await refuseLostDatabase(data, file)
    if (!existsSync(file)) return true
    const lost = damageOfLog(file)
    const problems = [...(lost === null ? [] : [lost]), ...(await checkDatabase(file, depth, signal))]
    for (const problem of problems) process.stderr.write(`backtrail: database: ${problem}\n`)
    if (problems.length === 0) return true
    if (!rebuild) {
      process.stderr.write(
        `${file} is damaged. Where only indices or the log are, "backtrail check --rebuild" makes it anew from what can be read of its tables. ${wayOut}\n`,
      )
      return false
    }
    const { kept, impossible } = rebuildDatabase(file)
    if (impossible !== undefined) {
      process.stderr.write(
        `${file} cannot be made anew, and is as it was: not only indices are damaged (${impossible}). ${wayOut}\n`,
      )
      return false
    }
    process.stdout.write(
      `the database was made anew from its tables and is sound; the damaged one is kept as ${kept}\n`,
    )
    return true
  } catch (error) {
    throw asUnusableFolder(error, data)
  } finally {
    lock.release()
  }
}
