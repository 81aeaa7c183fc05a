import type { Command } from 'commander'
import { inParallel } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import type { Flags } from '../settings/index.ts'
import { UnreadableFile } from './api-client.ts'
import type { Backend, FoundFile, Ingested } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { listenForInterruption } from './interruption.ts'
import { openBackend } from './open-backend.ts'
import { formatBytes, formatCount, formatDuration, type Progress, startProgress } from './terminal.ts'
import { walk } from './walk.ts'

export function addIngest(program: Command, conclude: Conclude): void {
  const command = program
    .command('ingest')
    .argument('<path...>', 'Files, and folders with all that is below them.')
    .description('Take files in as samples: store, identify, unpack, index and match them.')
    .option('--json', 'Print one JSON line per file: path, sha256, size, known; or path, error.')
    .addHelpText(
      'after',
      `
Links and special files are not followed. What cannot be read or is refused is reported, counted, and told by the exit
status. Interrupted (Ctrl-C), it ends at a safe point; the same command goes on later, since a content that is known already
is only noted as seen again.`,
    )
  addPlaceSettings(command).action(conclude(ingest))
}

interface IngestFlags extends Flags {
  readonly json?: true
}

async function ingest(paths: string[], flags: IngestFlags): Promise<ExitCode> {
  const interruption = listenForInterruption(() => process.exit(exitCodes.interrupted))
  const { signal } = interruption
  const place = await openBackend(flags, { isReading: false })
  const progress = startProgress()
  const tally = new Tally(progress, flags.json === true)
  const queued = new Set<Promise<void>>()
  try {
    if (process.stderr.isTTY) void tally.measure(paths, place.dataFolder, signal)
    const take = async (file: FoundFile) => {
      const taken = await takeIn(place, file, tally, signal)
      if (taken === null) return
      const matched = taken.processed.then(() => tally.count(file, taken))
      queued.add(matched)
      matched.finally(() => queued.delete(matched)).catch(() => undefined)
    }
    const taking = inParallel(filesOf(paths, place.dataFolder, tally), place.ingestsAtOnce, take, signal)
    const all = taking.then(() => Promise.all(queued))
    // What is stored when an interruption comes is matched at the next start.
    await Promise.race([all, interruption.asked])
  } finally {
    progress.end()
    await place.close()
    interruption.end()
  }
  process.stderr.write(`${tally.summary()}\n`)
  if (signal.aborted) return exitCodes.interrupted
  return tally.failed > 0 ? exitCodes.failed : exitCodes.done
}

/** Stores one file; null when it was not taken in, which the tally then knows. */
async function takeIn(place: Backend, file: FoundFile, tally: Tally, signal: AbortSignal): Promise<Ingested | null> {
  try {
    return await place.ingest(file, signal)
  } catch (error) {
    if (signal.aborted) return null
    // One file that is refused does not end the others; a server that is gone, or a full disk, does.
    if (!(error instanceof UnreadableFile) && !(error instanceof Failure && isAboutOneFile(error))) throw error
    tally.refuse(file.path, error.message)
    return null
  }
}

async function* filesOf(paths: string[], except: string | null, tally: Tally) {
  for await (const found of walk(paths, except ?? undefined)) {
    if (found.kind === 'file') yield found
    else if (found.kind === 'leftOut') tally.leftOut += 1
    else tally.refuse(found.path, found.reason)
  }
}

function isAboutOneFile({ code, detail }: Failure): boolean {
  return code === 'upload.too-large' || (code === 'server.refused' && (detail.status === 400 || detail.status === 413))
}

/** Counts what happens, and shows it while it does. */
class Tally {
  failed = 0
  leftOut = 0
  #files = 0
  #known = 0
  #bytes = 0
  #total: number | null = null
  readonly #began = performance.now()
  readonly #progress: Progress

  readonly #asJson: boolean

  constructor(progress: Progress, asJson: boolean) {
    this.#progress = progress
    this.#asJson = asJson
  }

  /** Finds out how many bytes there are to take in, for the time left, while the first are being taken in. */
  async measure(paths: readonly string[], except: string | null, signal: AbortSignal): Promise<void> {
    let bytes = 0
    for await (const found of walk(paths, except ?? undefined)) {
      if (signal.aborted) return
      if (found.kind === 'file') bytes += found.size
    }
    this.#total = bytes
  }

  count({ path }: FoundFile, { sha256, size, known }: Ingested): void {
    if (this.#asJson) print({ path, sha256, size, known })
    this.#files += 1
    this.#bytes += size
    if (known) this.#known += 1
    this.#progress.show(this.#bytes, this.#total, `${formatCount(this.#files, 'file')}, ${this.#formatRate()}`)
  }

  refuse(path: string, reason: string): void {
    this.failed += 1
    if (this.#asJson) print({ path, error: reason })
    this.#progress.say(`backtrail: ${path}: ${reason}`)
  }

  summary(): string {
    const parts = [`${formatCount(this.#files, 'file')} taken in`]
    if (this.#known > 0) parts.push(`${this.#known.toLocaleString('en-US')} of them known already`)
    if (this.leftOut > 0)
      parts.push(`${formatCount(this.leftOut, 'link or special file', 'links and special files')} left out`)
    if (this.failed > 0) parts.push(`${formatCount(this.failed, 'path')} not taken in`)
    return `${parts.join(', ')}; ${formatBytes(this.#bytes)} in ${formatDuration(performance.now() - this.#began)}, ${this.#formatRate()}`
  }

  #formatRate(): string {
    const seconds = (performance.now() - this.#began) / 1000
    return `${formatBytes(Math.round(this.#bytes / Math.max(seconds, 0.001)))}/s`
  }
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
