import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import type { Moved, MovePhase, MoveProgress } from '../moving/index.ts'
import { type Flags, readSettings, type Settings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { printProblems } from './problems.ts'
import { formatBytes, formatCount, formatTimeLeft, startProgress } from './terminal.ts'

interface MoveFlags extends Flags {
  readonly from?: string
  readonly to?: string
  readonly toDatabase?: string
  readonly toStore?: string
  readonly fromDatabase?: string
  readonly fromStore?: string
  readonly partial?: true
}

export function addMove(program: Command, conclude: Conclude): void {
  const move = program
    .command('move')
    .description('Move a data folder into PostgreSQL and an object store, or what is there into a data folder.')
    .option('--from <folder>', 'The data folder that is moved into a cluster.')
    .option('--to-database <url>', 'The database that it is moved into, which is empty.')
    .option('--to-store <url>', 'The bucket and prefix that it is moved into, which is empty: s3://bucket/prefix.')
    .option('--from-database <url>', 'The database of the cluster that is moved into a data folder.')
    .option('--from-store <url>', 'The bucket and prefix of that cluster.')
    .option('--to <folder>', 'The data folder that a cluster is moved into: one that is not there yet, or empty.')
    .option('--partial', 'Move what is sound where contents or segments are missing or damaged, and name those.')
    .addHelpText(
      'after',
      `
No server may run on either side. Samples and index are copied first, each compared with its digest; then the rows, and all
of them are compared in the end. A move that was interrupted, or killed, goes on when it is run again. No server starts on
what is moved in part. The source stays as it is, and may be started again once the move has ended.`,
    )
  addSettings(move, [
    'databasePasswordFile',
    'storeEndpoint',
    'storeRegion',
    'storePathStyle',
    'storeCredentials',
    'storeCa',
    'logLevel',
  ]).action(conclude(moveAll))
}

async function moveAll(flags: MoveFlags): Promise<ExitCode> {
  const { from, to, toDatabase, toStore, fromDatabase, fromStore } = flags
  if (from !== undefined && toDatabase !== undefined && toStore !== undefined && to === undefined) {
    const data = resolve(from)
    const { settings, log } = await settingsFor(flags, toDatabase, toStore)
    const { moveIntoCluster } = await import('../moving/index.ts')
    return conclude(`${data} is in ${toStore} and its database now`, flags, (options) =>
      moveIntoCluster(data, settings, options, log),
    )
  }
  if (to !== undefined && fromDatabase !== undefined && fromStore !== undefined && from === undefined) {
    const data = resolve(to)
    const { settings, log } = await settingsFor(flags, fromDatabase, fromStore)
    const { moveOutOfCluster } = await import('../moving/index.ts')
    return conclude(`${fromStore} is in ${data} now`, flags, (options) =>
      moveOutOfCluster(settings, data, options, log),
    )
  }
  throw new Failure(
    'settings.invalid',
    'A move is from one side to the other: --from with --to-database and --to-store, or --from-database and --from-store with --to.',
  )
}

async function settingsFor(flags: MoveFlags, database: string, store: string) {
  // What names a cluster in the environment is that of a server.
  const environment = { ...process.env, BACKTRAIL_DATABASE: '', BACKTRAIL_STORE: '' }
  const settings: Settings = readSettings({ ...flags, database, store }, environment)
  const { openLog } = await import('./log.ts')
  return { settings, log: openLog(settings) }
}

type Options = Parameters<typeof import('../moving/index.ts').moveIntoCluster>[2]

async function conclude(
  done: string,
  { partial = false }: { readonly partial?: boolean },
  move: (options: Options) => Promise<Moved>,
): Promise<ExitCode> {
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  const shown = showProgress()
  try {
    const { samples, bytes, segments, rows, problems } = await move({
      partial,
      signal: interruption.signal,
      onProgress: shown.show,
    })
    printProblems(problems)
    process.stdout.write(
      `${done}: ${formatCount(samples, 'sample')} with ${formatBytes(bytes)}, ${formatCount(segments, 'segment')}, ${formatCount(rows, 'row')}\n`,
    )
    return problems.length === 0 ? exitCodes.done : exitCodes.failed
  } catch (error) {
    const { problems = [] } = (error instanceof Failure ? error.detail : {}) as { problems?: readonly string[] }
    printProblems(problems)
    throw error
  } finally {
    shown.end()
    interruption.end()
  }
}

/** Without a terminal, a line at the start of each phase and now and then. */
const LINE_EVERY_MS = 30_000

function showProgress(): { show(progress: MoveProgress): void; end(): void } {
  const progress = startProgress()
  let phase: MovePhase | null = null
  let began = performance.now()
  let said = began
  return {
    show({ phase: now, done, total }) {
      const time = performance.now()
      if (now !== phase) began = time
      if (!process.stderr.isTTY && (now !== phase || time - said > LINE_EVERY_MS)) {
        const isBytes = now === 'contents' || now === 'index'
        const [some, all] = [done, total].map((n) => (isBytes ? formatBytes(n) : formatCount(n, 'row')))
        progress.say(`${now}: ${some} of ${all}${formatTimeLeft(time - began, done, total)}`)
        said = time
      }
      phase = now
      progress.show(done, total, now)
    },
    end: () => progress.end(),
  }
}
