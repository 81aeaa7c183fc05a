import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import { type Flags, programVersion, readSettings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { printProblems } from './problems.ts'
import { formatBytes, formatCount, startProgress } from './terminal.ts'

export function addBackup(program: Command, conclude: Conclude): void {
  const backup = program
    .command('backup')
    .argument('<to>', 'A folder that is empty, or has an earlier backup.')
    .description('Back up a data folder, whether or not a server runs on it.')
    .option('--link', 'Make hard links where both folders are on one file system: quick, but one disk and one copy.')
    .option('--verify', 'Read what earlier backups have left too, and compare it with its digests.')
    .addHelpText(
      'after',
      `
Run it as the user that runs the server, on the same machine. Only what the folder does not have yet is copied. An
earlier backup stays whole until the new one is. A sample whose content the data folder has lost is named, and the exit
status is 1; everything else is in the backup.`,
    )
  addSettings(backup, ['data']).action(conclude(makeBackup))

  const restore = program
    .command('restore')
    .argument('<from>', 'A folder that "backtrail backup" has written.')
    .description('Make a data folder of a backup, in a folder that is not there yet or empty.')
    .option('--partial', 'Restore what is sound where a part of the backup is missing or damaged, and name that part.')
    .option('--dry-run', 'Only read the whole backup and compare it with its digests.')
    .addHelpText(
      'after',
      `
Every file is compared with its digest. A restore that was interrupted goes on when it is run again; no server starts on
the folder before it is complete.`,
    )
  addSettings(restore, ['data']).action(conclude(restoreBackup))
}

async function makeBackup(
  to: string,
  flags: Flags & { readonly link?: true; readonly verify?: true },
): Promise<ExitCode> {
  const data = dataFolderOf(flags)
  const { makeBackup } = await import('../backup/index.ts')
  const { samples, bytes, copied, segments, problems } = await showingProgress((signal, onProgress) =>
    makeBackup(data, resolve(to), {
      how: flags.link ? 'link' : 'copy',
      verify: flags.verify === true,
      version: programVersion,
      signal,
      onProgress,
    }),
  )
  for (const problem of problems) process.stderr.write(`backtrail: ${problem}\n`)
  process.stdout.write(
    `${to} is a backup of ${data}: ${formatCount(samples, 'sample')} with ${formatBytes(bytes)}, ` +
      `${formatCount(segments, 'segment')}; ${formatCount(copied.files, 'file')} with ${formatBytes(copied.bytes)} were new\n`,
  )
  return problems.length === 0 ? exitCodes.done : exitCodes.failed
}

/** Throws `settings.invalid` where the settings name a cluster. */
function dataFolderOf(flags: Flags): string {
  const { data, database } = readSettings(flags, process.env)
  if (database === '') return data
  throw new Failure(
    'settings.invalid',
    'This is for a data folder, and BACKTRAIL_DATABASE names PostgreSQL: back that up with its own tools, before the bucket; see docs/cluster.md.',
  )
}

interface RestoreFlags extends Flags {
  readonly partial?: true
  readonly dryRun?: true
}

async function restoreBackup(from: string, flags: RestoreFlags): Promise<ExitCode> {
  const data = dataFolderOf(flags)
  const { restoreBackup, verifyBackup } = await import('../backup/index.ts')
  try {
    const { manifest, problems } = await showingProgress((signal, onProgress) => {
      const options = { partial: flags.partial === true, signal, onProgress }
      return flags.dryRun ? verifyBackup(resolve(from), options) : restoreBackup(resolve(from), resolve(data), options)
    })
    printProblems(problems)
    if (manifest.lacking.length > 0)
      process.stderr.write(
        `backtrail: ${formatCount(manifest.lacking.length, 'sample')} had lost the content before the backup; "backtrail check" names them\n`,
      )
    const { made, samples, contentBytes } = manifest
    const what = `the backup of ${made}, ${formatCount(samples, 'sample')} with ${formatBytes(contentBytes)}`
    if (flags.dryRun && problems.length > 0) process.stdout.write(`${what}, is not whole\n`)
    else process.stdout.write(flags.dryRun ? `${what}, is whole\n` : `${what}, was restored into ${data}\n`)
    return problems.length === 0 ? exitCodes.done : exitCodes.failed
  } catch (error) {
    if (error instanceof Failure && error.code === 'backup.incomplete') {
      const { problems = [] } = error.detail as { problems?: readonly string[] }
      printProblems(problems)
    }
    throw error
  }
}

async function showingProgress<T>(
  work: (
    signal: AbortSignal,
    onProgress: (progress: { readonly done: number; readonly total: number }) => void,
  ) => Promise<T>,
): Promise<T> {
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  const progress = startProgress()
  try {
    return await work(interruption.signal, ({ done, total }) => progress.show(done, total, 'contents'))
  } finally {
    progress.end()
    interruption.end()
  }
}
