import { type Command, Option } from 'commander'
import type { StoredReport } from '../appliance/index.ts'
import { Failure } from '../errors/index.ts'
import { type Flags, programVersion, readSettings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { clientSettings, openBackend } from './open-backend.ts'
import { formatCount, startProgress } from './terminal.ts'

interface StoredFlags extends Flags {
  readonly every?: string
  readonly rebuild?: true
  readonly quick?: true
}

interface RuleFlags {
  readonly json?: true
  readonly sarif?: true
  readonly junit?: true
}

export function addCheck(program: Command, conclude: Conclude): void {
  const command = program
    .command('check')
    .argument('[rules...]', 'YARA files, and folders with YARA files; `-` is standard input.')
    .description(
      'Check rules as saving them would, without a server. Without rules: verify all that is stored, which is the database, every content against its digest, and the index.',
    )
    .addOption(new Option('--json', 'Of rules: print one JSON line per file.').conflicts(['sarif', 'junit']))
    .addOption(new Option('--sarif', 'Of rules: print SARIF 2.1.0.').conflicts('junit'))
    .option('--junit', 'Of rules: print the XML of JUnit, with a test case for each file.')
    .option('--every <n>', 'Compare the signature of every n-th sample only.')
    .option('--quick', 'Of what is stored: the pages of the database, and whether every file is there as a whole.')
    .option(
      '--rebuild',
      'Make a database with damaged indices, or a damaged log, anew from its tables; the damaged one is kept.',
    )
    .addHelpText(
      'after',
      `
Rules: errors and warnings are printed as file:line:column, and warnings fail nothing. The exit status is 2 where a file
does not compile, and 1 where one cannot be read.

What is stored: a content that is not what its digest says is moved to the folder "damaged" of the data folder; send the sample again.
Contents are read as a whole, so this takes as long as reading all samples does; --quick reads none of them, and takes
seconds for a million samples. A start checks the
database by itself, and in the background whether every sample has its content.`,
    )
  addPlaceSettings(command).action(conclude(check))
}

async function check(rules: string[], flags: StoredFlags & RuleFlags): Promise<ExitCode> {
  const format = (['json', 'sarif', 'junit'] as const).find((name) => flags[name])
  if (rules.length === 0 && format === undefined) return checkStored(flags)
  // A build that found no files must not pass because something else was checked.
  if (rules.length === 0) throw new Failure('settings.invalid', `--${format} is for rules: name files or folders.`)
  const other = (['rebuild', 'every', 'quick', 'server', 'data'] as const).find((name) => flags[name] !== undefined)
  if (other) throw new Failure('settings.invalid', `--${other} is for what is stored; leave it or the rules out.`)
  return checkRules(rules, format, flags)
}

async function checkRules(
  paths: readonly string[],
  format: 'json' | 'sarif' | 'junit' | undefined,
  flags: Flags,
): Promise<ExitCode> {
  const { compileTimeout, scanTimeout, workerMemory, engine } = readSettings(flags, process.env)
  const { checkRuleFiles } = await import('./rule-check.ts')
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  try {
    const limits = { compileMs: compileTimeout, scanMs: scanTimeout, workerBytes: workerMemory }
    const files = await checkRuleFiles(paths, { limits, engine, signal: interruption.signal })
    if (files.length === 0) throw new Failure('rules.unreadable', `There is no YARA file in ${paths.join(', ')}.`)
    const reports = await import('./rule-reports.ts')
    const formats = {
      text: reports.asText,
      json: reports.asJsonLines,
      sarif: (all: typeof files) => reports.asSarif(all, programVersion),
      junit: reports.asJunit,
    }
    process.stdout.write(formats[format ?? 'text'](files))
    const count = (valid: boolean | null) => files.filter((file) => file.valid === valid).length
    const parts = [`${formatCount(files.length, 'file')} checked`]
    if (count(false) > 0) parts.push(`${count(false)} of them do not compile`)
    if (count(null) > 0) parts.push(`${count(null)} cannot be read`)
    process.stderr.write(`${parts.join(', ')}\n`)
    if (count(false) > 0) return exitCodes.rulesInvalid
    return count(null) > 0 ? exitCodes.failed : exitCodes.done
  } finally {
    interruption.end()
  }
}

async function checkStored(flags: StoredFlags): Promise<ExitCode> {
  const each = Number(flags.every ?? '1')
  if (!Number.isInteger(each) || each < 1)
    throw new Failure('settings.invalid', `--every must be a whole number from 1, not "${flags.every}".`)
  if (flags.quick && (flags.rebuild || flags.every !== undefined))
    throw new Failure(
      'settings.invalid',
      '--quick makes nothing anew and compares no signatures: leave --rebuild and --every out.',
    )
  const { server } = clientSettings(flags)
  if (server !== '' && flags.rebuild)
    throw new Failure(
      'settings.invalid',
      '--rebuild works on the data folder of a stopped server: name it with --data.',
    )
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  try {
    if (server === '') {
      const { data, database } = readSettings(flags, process.env)
      if (database !== '' && flags.rebuild)
        throw new Failure('settings.invalid', '--rebuild is for a database in a data folder, not for PostgreSQL.')
      // An appliance would refuse to open a damaged database, so that is the first thing.
      const { isDatabaseSound } = await import('./check-database.ts')
      const how = { rebuild: flags.rebuild === true, depth: flags.quick ? 'quick' : 'full' } as const
      const isSound = database !== '' || (await isDatabaseSound(data, how, interruption.signal))
      if (!isSound) return exitCodes.failed
    }
    return await checkAll(flags, flags.quick ? 'quick' : each, interruption.signal)
  } finally {
    interruption.end()
  }
}

async function checkAll(flags: Flags, each: number | 'quick', signal: AbortSignal): Promise<ExitCode> {
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
    `the database, ${formatCount(contents.samples, 'content')} and ${formatCount(index.segments, 'segment')} checked${each === 'quick' ? ' in passing: contents were not read' : ''}\n`,
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
