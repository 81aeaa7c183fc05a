import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import { type Flags, readSize } from '../settings/index.ts'
import type { NamedPolicy, NamedRetentionCounts, RetentionPlace } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { openBackend } from './open-backend.ts'
import { formatBytes, formatCount, formatTable } from './terminal.ts'

export function addRetention(program: Command, conclude: Conclude): void {
  const retention = program
    .command('retention')
    .description('Say which samples are deleted by themselves. None are, unless it is turned on.')

  const show = retention.command('show').description('Print what is set.').option('--json', 'Print one JSON object.')
  addPlaceSettings(show).action(conclude(showPolicy))

  const set = retention
    .command('set')
    .description('Change what is set. What is not named stays as it is. See "retention preview" before turning it on.')
    .option('--on', 'Delete by itself from now on.')
    .option('--off', 'Delete by hand alone.')
    .option(
      '--rule <days:query>',
      'Samples that were last seen so many days ago, all or those of a query: 90, "30:tag:feed AND size:>100MB". Given several times, several rules; in place of all before.',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--no-rules', 'Delete nothing by age.')
    .option('--most <size>', 'With more than this, those go that were seen longest ago: 500GB; "none" for no limit.')
    .option('--keep <query>', 'Samples that always stay, in the query language; "" for none.')
    .option('--delete-matched', 'Samples with matches go as well.')
    .option('--keep-matched', 'Samples with matches stay.')
  addPlaceSettings(set).action(conclude(setPolicy))

  const preview = retention
    .command('preview')
    .description('Print what would be deleted now, and delete nothing; also while it is turned off.')
    .option('--json', 'Print one JSON object.')
  addPlaceSettings(preview).action(conclude(printPreview))

  const run = retention.command('run').description('Delete now what is to be deleted. It must be turned on.')
  addPlaceSettings(run).action(conclude(runNow))
}

function showPolicy(flags: Flags & { readonly json?: true }): Promise<ExitCode> {
  return at(flags, async (retention) => {
    const policy = await retention.policy()
    process.stdout.write(flags.json ? `${JSON.stringify(policy)}\n` : formatPolicy(policy))
  })
}

function formatPolicy({ enabled, rules, max_bytes, keep, keep_matched }: NamedPolicy): string {
  const lines = [
    `retention is ${enabled ? 'on' : 'off'}`,
    ...rules.map(({ days, query }) => `${days} days after they were last seen: ${query || 'all samples'}`),
    ...(max_bytes === null ? [] : [`above ${formatBytes(max_bytes)}: those that were seen longest ago`]),
    ...(keep === '' ? [] : [`always stay: ${keep}`]),
    `samples with matches ${keep_matched ? 'stay' : 'go as well'}`,
  ]
  return `${lines.join('\n')}\n`
}

interface SetFlags extends Flags {
  readonly on?: true
  readonly off?: true
  readonly rule?: readonly string[]
  /** False for `--no-rules`. */
  readonly rules: boolean
  readonly most?: string
  readonly keep?: string
  readonly deleteMatched?: true
  readonly keepMatched?: true
}

function setPolicy({ on, off, rule, rules, most, keep, deleteMatched, keepMatched, ...flags }: SetFlags) {
  refuseBoth({ '--on': on, '--off': off })
  refuseBoth({ '--rule': rule, '--no-rules': !rules })
  refuseBoth({ '--delete-matched': deleteMatched, '--keep-matched': keepMatched })
  const change: Partial<NamedPolicy> = {
    ...((on || off) && { enabled: on === true }),
    ...(!rules && { rules: [] }),
    ...(rule && { rules: rule.map(readRule) }),
    ...(most !== undefined && { max_bytes: readMost(most) }),
    ...(keep !== undefined && { keep }),
    ...((deleteMatched || keepMatched) && { keep_matched: !deleteMatched }),
  }
  if (Object.keys(change).length === 0) throw new Failure('settings.invalid', 'There is nothing to change; see --help.')
  return at(flags as Flags, async (retention) => {
    await retention.change(change)
    process.stdout.write(formatPolicy(await retention.policy()))
  })
}

/** Throws `settings.invalid` where both of two flags were given. */
function refuseBoth(flags: Readonly<Record<string, unknown>>): void {
  if (!Object.values(flags).every(Boolean)) return
  throw new Failure('settings.invalid', `${Object.keys(flags).join(' and ')} exclude each other: give one of them.`)
}

function readRule(text: string): { days: number; query: string } {
  const [, days, query = ''] = /^\s*(\d{1,5})\s*(?::(.*))?$/s.exec(text) ?? []
  if (days === undefined)
    throw new Failure('settings.invalid', `--rule must be days, or days:query such as 30:tag:feed, not "${text}".`)
  return { days: Number(days), query: query.trim() }
}

function readMost(text: string): number | null {
  if (text === 'none') return null
  const size = readSize(text)
  if (size) return size
  throw new Failure('settings.invalid', `--most must be a size such as 500GB, or none, not "${text}".`)
}

function printPreview(flags: Flags & { readonly json?: true }): Promise<ExitCode> {
  return at(flags, async (retention) => {
    const preview = await retention.preview()
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(preview)}\n`)
      return
    }
    const rows = preview.examples.map(({ sha256, name, size, last_seen }) => [
      last_seen,
      formatBytes(size),
      sha256 ?? '',
      name,
    ])
    process.stdout.write(`${preview.complete ? '' : 'at least '}${formatCounts(preview)} would be deleted\n`)
    writeKept(preview)
    if (rows.length > 0) process.stdout.write(`${formatTable(['last seen', 'size', 'SHA-256', 'name'], rows)}\n`)
  })
}

function runNow(flags: Flags): Promise<ExitCode> {
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  return at(flags, async (retention) => {
    const run = await retention.run(interruption.signal)
    process.stdout.write(`${formatCounts(run)} deleted\n`)
    writeKept(run)
    if (run.problem !== null) throw new Failure('server.refused', `It did not come to its end: ${run.problem}`)
  }).finally(() => interruption.end())
}

const formatCounts = ({ samples, bytes }: NamedRetentionCounts) =>
  `${formatCount(samples, 'sample')} with ${formatBytes(bytes)}`

function writeKept({ kept: { matched, chosen, busy } }: NamedRetentionCounts): void {
  const reasons = [
    matched > 0 && `${matched} with matches`,
    chosen > 0 && `${chosen} that always stay`,
    busy > 0 && `${busy} that a hunt or the pipeline needs`,
  ].filter(Boolean)
  if (reasons.length > 0) process.stdout.write(`kept: ${reasons.join(', ')}\n`)
}

async function at(flags: Flags, work: (retention: RetentionPlace) => Promise<void>): Promise<ExitCode> {
  const place = await openBackend(flags, { isReading: true })
  try {
    await work(place.retention)
  } finally {
    await place.close()
  }
  return exitCodes.done
}
