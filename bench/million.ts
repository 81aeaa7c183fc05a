/**
 * Single hunts over very many small samples: how long they take, and how much memory the server and its workers need.
 * The samples are made here, and go through the real program; what was planted in them must be found, and nothing else.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { demandSame, type HuntResult, hunt, huntFor } from './ad-hoc-hunt.ts'
import { publicRules, workFolder } from './corpus.ts'
import { medianOf, megabytes, milliseconds, percent, percentile, seconds, table } from './figures.ts'
import { makeSamples, plantedRulesets } from './made-samples.ts'
import { command, RunningServer } from './running-server.ts'

const SEED = 'a million small samples'

export async function benchMillion({ samples: count }: { readonly samples: number }): Promise<string> {
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'million-'))
  try {
    const rules = publicRules()
    const planted = plantedRulesets(SEED)
    const folder = join(scratch, 'samples')
    const data = join(scratch, 'data')
    const { bytes, pairs } = makeSamples(folder, { count, seed: SEED, planted })
    console.error(`made ${count} samples (seed: ${SEED}) with ${pairs.size} planted strings`)
    command(['rules', 'import', rules.folder, '--data', data])
    const taken = command(['ingest', folder, '--data', data], { BACKTRAIL_ARCHIVE_DEPTH: '0' }).seconds
    rmSync(folder, { recursive: true })
    const server = await RunningServer.start(data)
    try {
      const index = await server.settledIndex()
      if (index.samples !== count) throw new Error(`${index.samples} samples are indexed instead of ${count}`)
      const all = async () => {
        const found: HuntResult[] = []
        for (const { name, content } of planted) found.push(await huntFor(server, [{ name, content }], true))
        const ofPublic: HuntResult[] = []
        for (const file of rules.files) ofPublic.push(await hunt(server, [file], true))
        return { found, ofPublic }
      }
      const { result, ...memory } = await server.peakMemory(all())
      const { found, ofPublic } = result
      demandSame(
        'the hunts',
        new Set([...found, ...ofPublic].flatMap((one) => [...one.pairs])),
        'what was planted',
        pairs,
      )
      const row = (title: string, results: readonly HuntResult[]) => {
        const times = results.map(({ seconds }) => seconds)
        const read = results.map(({ scannedBytes }) => scannedBytes / bytes)
        return [title, milliseconds(medianOf(times)), milliseconds(percentile(times, 0.95)), percent(medianOf(read))]
      }
      return [
        `${count.toLocaleString('en')} samples (${megabytes(bytes)}), made and taken in at ${Math.round(count / taken).toLocaleString('en')} files a second `,
        `(${seconds(taken)}, ${rules.files.length} rulesets matched live). Index: ${megabytes(index.index_bytes)}, ${percent(index.index_bytes / bytes)} of the samples. `,
        `The hunts found the ${pairs.size.toLocaleString('en')} pairs that were planted, and no other.\n\n`,
        table(
          ['single hunts', 'median', '95 %', 'read, median'],
          [row(`${rules.files.length} public rulesets`, ofPublic), row(`${planted.length} rulesets that match`, found)],
        ),
        `\nMost memory during the hunts: server ${megabytes(memory.server)}, largest worker ${megabytes(memory.worker)}.`,
      ].join('')
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
