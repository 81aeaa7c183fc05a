import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import type { Flags } from '../settings/index.ts'
import type { IndexMaintenance } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { openBackend } from './open-backend.ts'
import { formatBytes, formatCount, formatShare, formatTable, type Progress, startProgress } from './terminal.ts'

export function addIndex(program: Command, conclude: Conclude): void {
  const index = program.command('index').description('Look after the index that hunts look up.')

  const build = index
    .command('build')
    .description('Index the samples that no segment holds yet. It can be interrupted and called again.')
  addPlaceSettings(build).action(conclude(buildIndex))

  const check = index
    .command('check')
    .description('Verify the checksums of all segments, and that signatures match their samples.')
    .option('--every <n>', 'Compare the signature of every n-th sample only.', '1')
  addPlaceSettings(check).action(conclude(checkIndex))

  const stats = index
    .command('stats')
    .description('Print the size of the index, its share of the corpus, its fill, and its segments by size.')
    .option('--json', 'Print one JSON object.')
  addPlaceSettings(stats).action(conclude(printStatistics))
}

function buildIndex(flags: Flags): Promise<ExitCode> {
  return at(flags, async (index, progress, signal) => {
    const { indexed, failed } = await index.build(signal, (done, total) =>
      progress.show(done, total, `${formatCount(done, 'sample')} indexed`),
    )
    process.stdout.write(`${formatCount(indexed, 'sample')} indexed\n`)
    if (failed === 0) return exitCodes.done
    process.stderr.write(`backtrail: the content of ${formatCount(failed, 'sample')} cannot be read\n`)
    return exitCodes.failed
  })
}

function checkIndex(flags: Flags & { readonly every: string }): Promise<ExitCode> {
  const each = Number(flags.every)
  if (!Number.isInteger(each) || each < 1)
    throw new Failure('settings.invalid', `--every must be a whole number from 1, not "${flags.every}".`)
  return at(flags, async (index, progress, signal) => {
    const { segments, samples, problems } = await index.check(each, signal, (done, total) =>
      progress.show(done, total, `${formatCount(done, 'sample')} checked`),
    )
    process.stdout.write(`${formatCount(segments, 'segment')} and ${formatCount(samples, 'sample')} checked\n`)
    for (const { segment, message } of problems) process.stderr.write(`backtrail: segment ${segment}: ${message}\n`)
    if (problems.length === 0) return exitCodes.done
    process.stderr.write('The samples of damaged segments are scanned plainly until they are indexed again.\n')
    return exitCodes.failed
  })
}

function printStatistics(flags: Flags & { readonly json?: true }): Promise<ExitCode> {
  return at(flags, async (index) => {
    const stats = await index.stats()
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(stats)}\n`)
      return exitCodes.done
    }
    const { samples, sampleBytes, indexBytes, unindexed, segments, damaged, fill, bySize } = stats
    const facts = [
      ['samples indexed', `${samples.toLocaleString('en-US')} with ${formatBytes(sampleBytes)}`],
      ['not indexed yet', `${unindexed.samples.toLocaleString('en-US')} with ${formatBytes(unindexed.bytes)}`],
      ['index', `${formatBytes(indexBytes)}, ${formatShare(indexBytes, sampleBytes)} of the corpus`],
      ['fill', fill === null ? '–' : `${(100 * fill).toFixed(1)} % of the bits`],
      ['segments', `${segments.toLocaleString('en-US')}, ${damaged} of them damaged`],
    ]
    process.stdout.write(`${facts.map(([name = '', value]) => `${name.padEnd(16)} ${value}`).join('\n')}\n`)
    if (bySize.length > 0) {
      const rows = bySize.map((group) => [
        group.upTo === null ? 'more' : `up to ${formatCount(group.upTo, 'sample')}`,
        String(group.segments),
        group.samples.toLocaleString('en-US'),
        formatBytes(group.bytes),
      ])
      process.stdout.write(`\n${formatTable(['segments of', 'count', 'samples', 'size'], rows)}\n`)
    }
    return exitCodes.done
  })
}

async function at(
  flags: Flags,
  work: (index: IndexMaintenance, progress: Progress, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  const place = await openBackend(flags, { isReading: true })
  const progress = startProgress()
  try {
    return await work(place.index, progress, interruption.signal)
  } finally {
    progress.end()
    await place.close()
    interruption.end()
  }
}
