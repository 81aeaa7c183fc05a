/**
 * Intake, live matching, Local Retro and single hunts over real files with the public rules, beside `yara -r -p 2`.
 *
 * Answers come first: live matching, Local Retro, every single hunt and a hunt without the index must find the same
 * (rule, sample) pairs, and so must `yara`, but for the differences between the two engines that are listed.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { demandSame, type HuntResult, hunt, type Pairs } from './ad-hoc-hunt.ts'
import { binaries, type Corpus, ownRules, publicRules, systemFiles, workFolder } from './corpus.ts'
import { medianOf, megabytes, milliseconds, percent, percentile, ratio, seconds, table } from './figures.ts'
import { command, RunningServer } from './running-server.ts'
import { plainScan } from './yara-tool.ts'

export interface HuntBenchOptions {
  /** Of system files; 0 for none. */
  readonly megabytes: number
  readonly withBinaries: boolean
}

export async function benchHunts({ megabytes: size, withBinaries }: HuntBenchOptions): Promise<string> {
  const corpora = [...(size > 0 ? [systemFiles(size)] : []), ...(withBinaries ? [binaries()] : [])]
  const bytes = corpora.reduce((sum, corpus) => sum + corpus.bytes, 0)
  const rules = publicRules()
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'run-'))
  try {
    const disk = copiedAndSynced(join(scratch, 'copies'), corpora)
    const one = ingested(join(scratch, 'one'), corpora, rules.files.slice(0, 1), scratch)
    const all = ingested(join(scratch, 'all'), corpora, rules.files, scratch)
    const live = await withServer(join(scratch, 'all'), (server) => matchPairs(server))
    const own = await checkOwnRules(corpora, scratch)
    command(['rules', 'import', rules.folder, '--data', join(scratch, 'one')])
    const yara = plainScan(
      rules.files,
      corpora.map(({ folder }) => folder),
    )
    return await withServer(join(scratch, 'one'), async (server) => {
      const index = await server.settledIndex()
      const retro = await server.peakMemory(localRetro(server))
      const again = medianOf(await repeat(5, async () => (await localRetro(server)).seconds))
      const found = await matchPairs(server)
      const singles = await singleHunts(server, rules.files)
      const plain = await hunt(server, rules.files, false)

      demandSame(
        'Local Retro with our own rules',
        await foundLater(server, ownRules(), found),
        'the plain scan',
        own.pairs,
      )
      demandSame('live matching', live, 'the plain scan', plain.pairs)
      demandSame('Local Retro', found, 'the plain scan', plain.pairs)
      demandSame('the single hunts', new Set(singles.flatMap(({ pairs }) => [...pairs])), 'the plain scan', plain.pairs)
      const times = singles.map(({ seconds }) => seconds)
      const read = singles.map(({ scannedBytes }) => scannedBytes / bytes)
      return [
        `${corpora.map(({ name, files, bytes }) => `${files.size.toLocaleString('en')} ${name} (${megabytes(bytes)})`).join(' and ')}, `,
        `${index.samples.toLocaleString('en')} distinct contents, ${rules.files.length} rulesets.\n\n`,
        `All ways found the same ${plain.pairs.size} (rule, sample) pairs. ${yara ? comparedWithYara(yara.pairs, plain.pairs, corpora) : '`yara` is not installed.'}\n\n`,
        `${own.formatted}\n\n`,
        table(
          ['', 'measured'],
          [
            ['intake, 1 ruleset', `${megabytes(bytes / one.seconds)}/s`],
            ['intake, all rulesets', `${megabytes(bytes / all.seconds)}/s`],
            ['live matching: all rulesets over one', ratio(one.seconds / all.seconds)],
            [
              'processors busy during intake, all rulesets',
              percent(all.processorSeconds / all.seconds / cpus().length),
            ],
            ['the disk alone: files copied and synced, 64 at a time', `${megabytes(bytes / disk)}/s`],
            ['Local Retro, first run', seconds(retro.result.seconds)],
            ['Local Retro, again (median of 5)', seconds(again)],
            ['plain scan with our engine (`--no-index`)', seconds(plain.seconds)],
            ...(yara
              ? [
                  ['`yara -r -p 2`, rules compiled before', seconds(yara.seconds)],
                  ['Local Retro faster than `yara`', `${(yara.seconds / again).toFixed(0)} times`],
                ]
              : []),
            ['single hunt, median', milliseconds(medianOf(times))],
            ['single hunt, 95th percentile', milliseconds(percentile(times, 0.95))],
            ['read by a single hunt, median', percent(medianOf(read))],
            ['read by a single hunt, 95th percentile', percent(percentile(read, 0.95))],
            [
              'index',
              `${megabytes(index.index_bytes)}, ${percent(index.index_bytes / bytes)} of the files, in ${index.segments} segments`,
            ],
            ['memory during Local Retro: server', megabytes(retro.server)],
            ['memory during Local Retro: largest worker', megabytes(retro.worker)],
          ],
        ),
      ].join('')
    })
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/**
 * The public rules match hardly any of these files, so all ways are also held against each other with rules of our own
 * that do. Apart from what is timed, in a data folder of their own. Returns the pairs, and a sentence.
 */
async function checkOwnRules(
  corpora: readonly Corpus[],
  scratch: string,
): Promise<{ readonly pairs: Pairs; readonly formatted: string }> {
  const files = ownRules()
  const data = join(scratch, 'own')
  ingested(data, corpora, files, scratch)
  const { plain, perRuleset } = await withServer(data, async (server) => {
    const live = await matchPairs(server)
    const singles = await singleHunts(server, files)
    const plain = (await hunt(server, files, false)).pairs
    demandSame('live matching', live, 'the plain scan', plain)
    demandSame('the single hunts', new Set(singles.flatMap(({ pairs }) => [...pairs])), 'the plain scan', plain)
    return { plain, perRuleset: singles.map(({ pairs }) => pairs.size) }
  })
  const without = files.filter((_, n) => perRuleset[n] === 0).map((file) => basename(file))
  // What system files there are differs from machine to machine, but a check over nothing is none.
  if (plain.size === 0 || without.length > files.length / 2)
    throw new Error(`hardly any of our own rules match: ${without.join(', ')} do not`)
  const yara = plainScan(
    files,
    corpora.map(({ folder }) => folder),
  )
  const formatted = [
    `With ${files.length} rulesets of our own (\`bench/rules/\`) all ways found the same ${plain.size.toLocaleString('en')} pairs, `,
    `between ${Math.min(...perRuleset)} and ${Math.max(...perRuleset).toLocaleString('en')} a ruleset. `,
    yara ? comparedWithYara(yara.pairs, plain, corpora) : '`yara` is not installed.',
  ].join('')
  return { pairs: plain, formatted }
}

/** What Local Retro adds when rulesets come to samples that are there already. */
export async function foundLater(server: RunningServer, files: readonly string[], before: Pairs): Promise<Pairs> {
  for (const file of files)
    await server.call('POST', '/api/yara/ruleset/', {
      name: basename(file, '.yar'),
      content: readFileSync(file, 'utf8'),
    })
  await localRetro(server)
  return new Set([...(await matchPairs(server))].filter((pair) => !before.has(pair)))
}

/** Takes the corpora into a fresh data folder that has the rulesets already. */
function ingested(
  data: string,
  corpora: readonly Corpus[],
  ruleFiles: readonly string[],
  scratch: string,
): ReturnType<typeof command> {
  const folder = mkdtempSync(join(scratch, 'rules-'))
  for (const file of ruleFiles) symlinkSync(file, join(folder, basename(file)))
  command(['rules', 'import', ...ruleFiles, '--data', data])
  // Members of archives are samples too, but `yara` does not look at them.
  const settings = { BACKTRAIL_ARCHIVE_DEPTH: '0' }
  return command(['ingest', ...corpora.map((corpus) => corpus.folder), '--data', data], settings)
}

/** Seconds. In a process of its own, which has threads for all that wait. */
function copiedAndSynced(target: string, corpora: readonly Corpus[]): number {
  const script = fileURLToPath(new URL('copied-and-synced.ts', import.meta.url))
  const args = [script, target, ...corpora.map(({ folder }) => folder)]
  const env = { ...process.env, UV_THREADPOOL_SIZE: '64' }
  return Number(execFileSync(process.execPath, args, { env, encoding: 'utf8' }))
}

async function withServer<T>(data: string, work: (server: RunningServer) => Promise<T>): Promise<T> {
  const server = await RunningServer.start(data)
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

export async function localRetro(server: RunningServer): Promise<{ readonly seconds: number }> {
  const begin = performance.now()
  await server.call('POST', '/api/uploads/local-retro-hunt/', { operation: 'START' })
  for (;;) {
    const { status } = await server.call<{ status: { state: string } }>('GET', '/api/uploads/local-retro-hunt/')
    if (status.state === 'COMPLETED') return { seconds: (performance.now() - begin) / 1000 }
    if (status.state === 'STOPPED') throw new Error('Local Retro was stopped')
    // Asking more often would take from the hunt what it is about to measure.
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Every match of every ruleset as `rule<TAB>sha256`. */
export async function matchPairs(server: RunningServer): Promise<Pairs> {
  const { results } = await server.call<{ results: { name: string }[] }>('GET', '/api/yara/v2/rulesets/?type=all')
  const pairs = new Set<string>()
  for (const { name } of results) {
    const matches = await server.call<{ results: { rule: string; sha256: string }[] }>(
      'GET',
      `/api/yara/v2/ruleset/matches/?name=${encodeURIComponent(name)}`,
    )
    for (const { rule, sha256 } of matches.results) pairs.add(`${rule}\t${sha256}`)
  }
  return pairs
}

export async function singleHunts(server: RunningServer, files: readonly string[]): Promise<HuntResult[]> {
  const results: HuntResult[] = []
  for (const file of files) results.push(await hunt(server, [file], true))
  return results
}

/** `yara` looks at the files only, not at what is in archives, so only pairs of files themselves are compared. */
function comparedWithYara(lines: readonly string[], ours: Pairs, corpora: readonly Corpus[]): string {
  const files = new Map(corpora.flatMap((corpus) => [...corpus.files]))
  const digests = new Set([...files.values()].map(({ sha256 }) => sha256))
  const theirs = new Set(
    lines.map((line) => {
      const [rule, path = ''] = line.split('\t')
      return `${rule}\t${files.get(path)?.sha256}`
    }),
  )
  const comparable = [...ours].filter((pair) => digests.has(pair.split('\t')[1] ?? ''))
  const onlyTheirs = [...theirs].filter((pair) => !ours.has(pair))
  const onlyOurs = comparable.filter((pair) => !theirs.has(pair))
  if (onlyTheirs.length + onlyOurs.length === 0)
    return `\`yara\` found the same ${theirs.size} in the files themselves.`
  return `\`yara\` found ${theirs.size} in the files themselves; only \`yara\`: ${formatted(onlyTheirs)}; only YARA-X: ${formatted(onlyOurs)}.`
}

function formatted(pairs: readonly string[]): string {
  return pairs.length === 0 ? 'none' : pairs.map((pair) => `\`${pair.replace('\t', '` on `')}\``).join(', ')
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let time = 0; time < times; time++) results.push(await work())
  return results
}
