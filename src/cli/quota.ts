import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import { type Flags, readSize } from '../settings/index.ts'
import type { NamedLimits, NamedQuota } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { openBackend } from './open-backend.ts'
import { formatBytes } from './terminal.ts'

export function addQuota(users: Command, conclude: Conclude): void {
  const quota = users
    .command('quota')
    .argument('<name>', 'Whose quota it is.')
    .description(
      'Print how much a user may send, or give the user a quota of their own. What is not named has no limit then.',
    )
    .option('--day-samples <number>', 'Samples that are sent in a day (UTC).')
    .option('--day-bytes <size>', 'Bytes that are sent in a day (UTC): 50GB.')
    .option('--total-samples <number>', 'Samples that are stored.')
    .option('--total-bytes <size>', 'Bytes that are stored.')
    .option('--none', 'No limit at all.')
    .option('--preset', 'The quota of everybody again.')
  addPlaceSettings(quota).action(conclude(changeQuota))
}

interface QuotaFlags extends Flags {
  readonly daySamples?: string
  readonly dayBytes?: string
  readonly totalSamples?: string
  readonly totalBytes?: string
  readonly none?: true
  readonly preset?: true
}

async function changeQuota(
  name: string,
  { daySamples, dayBytes, totalSamples, totalBytes, none, preset, ...flags }: QuotaFlags,
): Promise<ExitCode> {
  const limits: NamedLimits = {
    day_samples: readCount('--day-samples', daySamples),
    day_bytes: readBytes('--day-bytes', dayBytes),
    total_samples: readCount('--total-samples', totalSamples),
    total_bytes: readBytes('--total-bytes', totalBytes),
  }
  const isLimited = Object.values(limits).some((limit) => limit !== null)
  if ([isLimited, none, preset].filter(Boolean).length > 1)
    throw new Failure('settings.invalid', 'Limits, --none and --preset exclude each other.')
  const place = await openBackend(flags as Flags, { isReading: true })
  try {
    if (isLimited || none || preset) await place.users.setQuota(name, preset ? null : limits)
    process.stdout.write(formatQuota(await place.users.quota(name)))
  } finally {
    await place.close()
  }
  return exitCodes.done
}

function formatQuota({ used, ...limits }: NamedQuota): string {
  const line = (which: 'day' | 'total') => {
    const [samples, bytes] = [limits[`${which}_samples`], limits[`${which}_bytes`]]
    const [usedSamples, usedBytes] = [used[`${which}_samples`], used[`${which}_bytes`]]
    return `${samples === null ? 'no limit of samples' : `${samples} samples`}, ${usedSamples} used; ${
      bytes === null ? 'no limit of bytes' : formatBytes(bytes)
    }, ${formatBytes(usedBytes)} used`
  }
  return `in a day (UTC): ${line('day')}\nstored: ${line('total')}\n`
}

function readCount(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new Failure('settings.invalid', `${flag} must be a whole number from 1, not "${text}".`)
}

function readBytes(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const size = readSize(text)
  if (size) return size
  throw new Failure('settings.invalid', `${flag} must be a size such as 50GB, not "${text}".`)
}
