import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import { type Flags, readSize } from '../settings/index.ts'
import type { HuntHit, HuntHow, HuntNews } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { openBackend } from './open-backend.ts'
import { demandRuleFiles, formatLeftOut, reportingDiagnostics } from './rule-files.ts'
import { formatBytes, formatCount, formatDuration, startProgress } from './terminal.ts'

export function addHunt(program: Command, conclude: Conclude): void {
  const command = program
    .command('hunt')
    .argument('<rules...>', 'YARA files, and folders with YARA files; `-` is standard input.')
    .description('Match YARA files against all stored samples, without saving them as rulesets.')
    .option('--json', 'Print JSON lines with ruleset, rule, sha256, filename and tags.')
    .option('--partial', 'Hunt with the rules that compile where others do not, and name those.')
    .option('--most-read <size>', 'Refuse to read more than this, as the index tells beforehand: 500MB.')
    .option('--leave-out-costly', 'With --most-read: leave out the rules that would read too much, and name those.')
    .option('--no-index', 'Read and scan every sample, for comparison.')
    .addHelpText(
      'after',
      `
Prints one line per match: RULE<TAB>SHA256<TAB>FILENAME, as soon as there is one, and exits with 0 with or without
matches. The external variables filename, filepath, extension, filetype and owner are defined.`,
    )
  addPlaceSettings(command).action(conclude(hunt))
}

interface HuntFlags extends Flags {
  readonly json?: true
  readonly partial?: true
  readonly mostRead?: string
  readonly leaveOutCostly?: true
  readonly index: boolean
}

async function hunt(paths: string[], flags: HuntFlags): Promise<ExitCode> {
  const partial = flags.partial === true
  const how = { useIndex: flags.index, partial, ...boundOf(flags) }
  const files = await demandRuleFiles(paths, partial)
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  const place = await openBackend(flags, { isReading: true })
  const began = performance.now()
  const progress = startProgress()
  let matches = 0
  let latest: HuntNews | null = null
  try {
    await reportingDiagnostics(files, async () => {
      for await (const news of place.hunt(files, how, interruption.signal)) {
        for (const hit of news.hits) process.stdout.write(flags.json ? jsonOf(hit) : lineOf(hit))
        if (latest === null) process.stderr.write(formatLeftOut(files, news.leftOut))
        matches += news.hits.length
        latest = news
        progress.show(news.processed, news.samples, progressText(news, matches, performance.now() - began))
      }
    })
  } finally {
    progress.end()
    await place.close()
    interruption.end()
  }
  return concludeHunt(latest)
}

function boundOf({ mostRead, leaveOutCostly }: HuntFlags): Pick<HuntHow, 'bound'> {
  if (mostRead === undefined) {
    if (!leaveOutCostly) return {}
    throw new Failure('settings.invalid', 'With --leave-out-costly, --most-read says how much may be read.')
  }
  const bytes = readSize(mostRead)
  if (!bytes) throw new Failure('settings.invalid', `--most-read must be a size such as 500MB, not "${mostRead}".`)
  return { bound: { bytes, costly: leaveOutCostly ? 'leave-out' : 'refuse' } }
}

/** Says what the matches that were printed may lack. */
function concludeHunt(news: HuntNews | null): ExitCode {
  if (news !== null && news.skipped > 0) {
    process.stderr.write(
      `backtrail: ${formatCount(news.skipped, 'sample')} could not be scanned: too large, or unreadable\n`,
    )
  }
  if (!news?.failure) return exitCodes.done
  process.stderr.write(`backtrail: ${news.failure}\nMatches may be missing.\n`)
  return exitCodes.failed
}

function lineOf({ rule, sha256, filename }: HuntHit): string {
  return `${rule}\t${sha256}\t${filename}\n`
}

function jsonOf({ ruleset, rule, sha256, filename, tags }: HuntHit): string {
  return `${JSON.stringify({ ruleset, rule, sha256, filename, tags })}\n`
}

function progressText({ processed, scannedBytes }: HuntNews, matches: number, elapsedMs: number): string {
  const found = formatCount(matches, 'match', 'matches')
  return `${formatCount(processed, 'sample')} decided in ${formatDuration(elapsedMs)}, ${formatBytes(scannedBytes)} scanned, ${found}`
}
