import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { StoredReport } from '../appliance/index.ts'
import { Failure } from '../errors/index.ts'
import { type Flags, readClientSettings, readSettings } from '../settings/index.ts'
import {
  asUnusableFolder,
  checkDatabase,
  damageOfLog,
  lockDataFolder,
  makeFilesPrivate,
  rebuildDatabase,
  refuseLostDatabase,
  wayOut,
} from '../store/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { openBackend } from './open-backend.ts'
import { formatCount, startProgress } from './terminal.ts'

type CheckFlags = Flags & { readonly every: string; readonly rebuild?: true }

export function addCheck(program: Command, conclude: Conclude): void {
  const command = program
    .command('check')
    .description('Verify all that is stored: the database, every content against its digest, and the index.')
    .option('--every <n>', 'Compare the signature of every n-th sample only.', '1')
    .option(
      '--rebuild',
      'Make a database with damaged indices, or a damaged log, anew from its tables; the damaged one is kept.',
    )
    .addHelpText(
      'after',
      `
A content that is not what its digest says is moved to the folder "damaged" of the data folder; send the sample again.
Contents are read as a whole, so this takes as long as reading all samples does.`,
    )
  addPlaceSettings(command).action(conclude(check))
}

async function check(flags: CheckFlags): Promise<ExitCode> {
  const each = Number(flags.every)
  if (!Number.isInteger(each) || each < 1)
    throw new Failure('settings.invalid', `--every must be a whole number from 1, not "${flags.every}".`)
  const { server } = readClientSettings(flags, process.env)
  if (server !== '' && flags.rebuild)
    throw new Failure(
      'settings.invalid',
      '--rebuild works on the data folder of a stopped server: name it with --data.',
    )
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  try {
    if (server === '') {
      const { data } = readSettings(flags, process.env)
      // An appliance would refuse to open a damaged database, so that is the first thing.
      if (!(await isDatabaseSound(data, flags.rebuild === true, interruption.signal))) return exitCodes.failed
    }
    return await checkAll(flags, each, interruption.signal)
  } finally {
    interruption.end()
  }
}

async function checkAll(flags: Flags, each: number, signal: AbortSignal): Promise<ExitCode> {
  const place = await openBackend(flags, { isReading: true })
  const progress = startProgress()
  let report: StoredReport
  try {
    report = await place.check(each, signal, (phase, done, total) =>
      progress.show(
        done,
        total,
        phase === 'database' ? 'checking the database' : `${formatCount(done, 'sample')}, ${phase}`,
      ),
    )
  } finally {
    progress.end()
    await place.close()
  }
  const { database, contents, index } = report
  process.stdout.write(
    `the database, ${formatCount(contents.samples, 'content')} and ${formatCount(index.segments, 'segment')} checked\n`,
  )
  const problems = [
    ...database.map((problem) => `database: ${problem}`),
    ...contents.problems,
    ...index.problems.map(({ segment, message }) => `segment ${segment}: ${message}`),
  ]
  for (const problem of problems) process.stderr.write(`backtrail: ${problem}\n`)
  if (problems.length === 0) return exitCodes.done
  const { missing, damaged, strays } = contents
  process.stderr.write(
    `${formatCount(missing, 'content')} missing or cut off, ${damaged} changed, ${strays} without a sample; ` +
      `${formatCount(index.problems.length, 'problem')} of the index, ${database.length} of the database\n`,
  )
  return exitCodes.failed
}

/** False where the database is damaged and was not made anew; what is wrong is printed. */
async function isDatabaseSound(data: string, rebuild: boolean, signal: AbortSignal): Promise<boolean> {
  if (!existsSync(data))
    throw new Failure(
      'settings.invalid',
      `There is no data folder ${data}; name one with --data, or a server with --server.`,
    )
  makeFilesPrivate()
  const file = join(data, 'backtrail.db')
  const lock = lockDataFolder(data)
  try {
    await refuseLostDatabase(data, file)
    if (!existsSync(file)) return true
    const lost = damageOfLog(file)
    const problems = [...(lost === null ? [] : [lost]), ...(await checkDatabase(file, 'full', signal))]
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
