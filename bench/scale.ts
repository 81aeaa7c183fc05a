/**
 * What a segment of the index costs a hunt, from the program's own counters (`backtrail_index_…` of /metrics): reads, bytes
 * and processor time for each segment that is asked. `docs/scale.md` is made of these figures. Times are those of processors,
 * so a busy machine changes them little.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type HuntResult, hunt } from './ad-hoc-hunt.ts'
import { ownRules, publicRules, systemFilesFolder, workFolder } from './corpus.ts'
import { medianOf, megabytes, percent, table } from './figures.ts'
import { makeSamples } from './made-samples.ts'
import { command, RunningServer } from './running-server.ts'

const SEED = 'segments to be asked'
const counters = ['segments', 'reads', 'read_bytes', 'processor_seconds'] as const
type Use = Readonly<Record<(typeof counters)[number], number>>

export async function benchScale(of: { readonly megabytes: number; readonly samples: number }): Promise<string> {
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'scale-'))
  try {
    const made = join(scratch, 'made')
    const planted = makeSamples(made, { count: of.samples, seed: SEED, planted: [] })
    console.error(`made ${of.samples} samples, ${megabytes(planted.bytes)} (seed: ${SEED})`)
    const rows = [
      ...(await measured('system files', systemFilesFolder(of.megabytes), join(scratch, 'data-system'))),
      ...(await measured('made samples', made, join(scratch, 'data-made'))),
    ]
    const heads = ['', 'rulesets', 'segments', 'samples each', 'reads', 'KB', 'core-ms', 'samples read, median', 'mean']
    return `For each segment that a hunt asks:\n\n${table(heads, rows)}`
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

async function measured(title: string, folder: string, data: string): Promise<string[][]> {
  const taken = command(['ingest', folder, '--data', data], { BACKTRAIL_ARCHIVE_DEPTH: '0' })
  const server = await RunningServer.start(data)
  try {
    const { samples, segments, index_bytes } = await server.settledIndex()
    const whole = await wholeOf(server)
    console.error(
      `${title}: ${samples} samples in ${segments} segments of ${megabytes(index_bytes)}, ` +
        `taken in within ${taken.seconds.toFixed(0)} s and ${taken.processorSeconds.toFixed(0)} core-seconds; ${megabytes(whole)}`,
    )
    const sets = [
      ['public, first', publicRules().files],
      ['public, again', publicRules().files],
      ['of our own, again', ownRules()],
    ] as const
    const rows: string[][] = []
    for (const [name, files] of sets) {
      const before = await usedBy(server)
      const hunts: HuntResult[] = []
      for (const file of files) hunts.push(await hunt(server, [file], true))
      const after = await usedBy(server)
      const asked = after.segments - before.segments
      const each = (counter: keyof Use) => (after[counter] - before[counter]) / asked
      const read = hunts.map(({ scannedBytes }) => scannedBytes)
      rows.push([
        title,
        name,
        String(segments),
        Math.round(samples / segments).toLocaleString('en'),
        each('reads').toFixed(1),
        (each('read_bytes') / 1e3).toFixed(1),
        (each('processor_seconds') * 1e3).toFixed(2),
        percent(medianOf(read) / whole),
        percent(read.reduce((sum, one) => sum + one, 0) / read.length / whole),
      ])
    }
    return rows
  } finally {
    await server.stop()
  }
}

async function usedBy(server: RunningServer): Promise<Use> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const read = (name: string) => Number(new RegExp(`^backtrail_index_${name}_total (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  return Object.fromEntries(counters.map((name) => [name, read(name)])) as Use
}

async function wholeOf(server: RunningServer): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  return Number(/^backtrail_sample_bytes (\S+)$/m.exec(text)?.[1])
}
