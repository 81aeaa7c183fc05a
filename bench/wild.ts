/**
 * Hunts with rules that nobody tuned for: what each file of every public collection would read of real files, as the
 * running program answers `explain`, and which demand of which rule costs it.
 *
 * Answers come first: some files of every collection are hunted with, with the index and without it, and must find the
 * same. Shares are exact and the same on every machine; times are asked for with `--times`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { planRuleset } from '../src/planner/index.ts'
import { parse } from '../src/yara/index.ts'
import { demandSame, hunt, huntFor } from './ad-hoc-hunt.ts'
import { binaries, type Corpus, systemFiles, workFolder } from './corpus.ts'
import { megabytes, percent, percentile, ratio, seconds, table } from './figures.ts'
import { type ReadingCause, readingCause } from './reading-causes.ts'
import { filesForOneText, type RuleCollection, type RuleFile, ruleCollections, someFiles } from './rule-collections.ts'
import { command, type IndexTotals, RunningServer } from './running-server.ts'
import { plainScan } from './yara-tool.ts'

export interface WildBenchOptions {
  /** Of system files; 0 for none. */
  readonly megabytes: number
  readonly withBinaries: boolean
  /** The folder whose folders are the collections; null for the usual one. */
  readonly rules: string | null
  /** Also hunts, against `yara`, with files one after the other and with many rules in one text. */
  readonly withTimes: boolean
}

/** Files of each collection that are hunted with to check the answers, and to tell times. */
const CHECKED = 6
const TIMED = 20
/** Rules in one text. */
const TOGETHER = 1_800

interface Share {
  readonly samples: number
  readonly bytes: number
}

interface Explained {
  readonly corpus: Share
  readonly texts: readonly {
    readonly expected: Share
    readonly rules: readonly { readonly name: string; readonly expected: Share }[]
  }[]
}

interface ReadFile {
  readonly file: RuleFile
  /** Of the corpus, by all rules of the file together. */
  readonly share: number
  readonly rules: readonly { readonly name: string; readonly share: number; readonly cause: ReadingCause | null }[]
}

interface CollectionReading {
  readonly collection: RuleCollection
  readonly read: readonly ReadFile[]
  /** Why the others cannot be hunted with, as the program says. */
  readonly refused: readonly { readonly file: RuleFile; readonly why: string }[]
}

export async function benchWild(options: WildBenchOptions): Promise<string> {
  const collections = ruleCollections(options.rules ?? undefined)
  const corpora = [
    ...(options.megabytes > 0 ? [systemFiles(options.megabytes)] : []),
    ...(options.withBinaries ? [binaries()] : []),
  ]
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'wild-'))
  try {
    const data = join(scratch, 'data')
    console.error('ingesting …')
    const intake = command(['ingest', ...corpora.map(({ folder }) => folder), '--data', data], {
      BACKTRAIL_ARCHIVE_DEPTH: '0',
    })
    const server = await RunningServer.start(data)
    try {
      const index = await server.settledIndex()
      const checked = await checkAnswers(server, collections)
      const readings: CollectionReading[] = []
      for (const collection of collections) readings.push(await readingOf(server, collection))
      return [
        corpusLine(corpora, index, intake.processorSeconds),
        `${checked}\n\n`,
        shareTable(readings),
        `\nKept aside: nothing was chosen by what these collections say. ${refusals(readings)}\n\n`,
        causeTable(readings),
        `\nThe files that read most:\n\n${worstTable(readings)}`,
        ...(options.withTimes ? ['\n', await timeTable(server, readings, corpora, scratch)] : []),
      ].join('')
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function corpusLine(corpora: readonly Corpus[], index: IndexTotals, processorSeconds: number): string {
  const bytes = corpora.reduce((sum, corpus) => sum + corpus.bytes, 0)
  const what = corpora.map((corpus) => `${corpus.files.size.toLocaleString('en')} ${corpus.name}`).join(' and ')
  const share = `${megabytes(index.index_bytes)}, ${percent(index.index_bytes / bytes)} of the files`
  return `${what} (${megabytes(bytes)}), ${index.samples.toLocaleString('en')} distinct contents; index ${share}; intake without rules took ${processorSeconds.toFixed(0)} s of processor time.\n\n`
}

// ------------------------------------------------------------------------------------------------------------ shares

async function readingOf(server: RunningServer, collection: RuleCollection): Promise<CollectionReading> {
  console.error(`explaining ${collection.files.length} files of ${collection.name} …`)
  const read: ReadFile[] = []
  const refused: { file: RuleFile; why: string }[] = []
  for (const file of collection.files) {
    const answer = await explained(server, [file])
    if (typeof answer === 'string') refused.push({ file, why: answer })
    else read.push(readFile(file, answer))
  }
  return { collection, read, refused }
}

/** What the program says, or why it refuses the rules. */
async function explained(server: RunningServer, files: readonly RuleFile[]): Promise<Explained | string> {
  const rules = files.map(({ name, content }) => ({ name, content }))
  try {
    return await server.call<Explained>('POST', '/api/hunts/explain/', { rules })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (!message.includes(': 400 ')) throw error
    return message
  }
}

function readFile(file: RuleFile, { corpus, texts: [text] }: Explained): ReadFile {
  if (text === undefined) throw new Error(`${file.path}: the program explained nothing`)
  const tree = parse(file.content)
  const plans = planRuleset(tree).rules
  return {
    file,
    share: text.expected.bytes / corpus.bytes,
    rules: text.rules.map(({ name, expected }, n) => {
      const share = expected.bytes / corpus.bytes
      const [rule, plan] = [tree.rules[n], plans[n]?.plan]
      const isKnown = rule !== undefined && plan !== undefined && share > 0.001
      return { name, share, cause: isKnown ? readingCause(rule, plan, file.content) : null }
    }),
  }
}

function shareTable(readings: readonly CollectionReading[]): string {
  const sharesOf = (some: readonly CollectionReading[]) => some.flatMap(({ read }) => read.map(({ share }) => share))
  const row = (name: string, some: readonly CollectionReading[]) => {
    const shares = sharesOf(some)
    const part = (least: number) => percent(shares.filter((share) => share > least).length / shares.length)
    return [
      name,
      String(shares.length),
      String(some.reduce((sum, { read }) => sum + read.reduce((rules, file) => rules + file.rules.length, 0), 0)),
      percent(meanOf(shares)),
      percent(percentile(shares, 0.5)),
      percent(percentile(shares, 0.9)),
      `${shares.filter((share) => share > 0.1).length} (${part(0.1)})`,
      `${shares.filter((share) => share > 0.9).length} (${part(0.9)})`,
    ]
  }
  const known = readings.filter(({ read }) => read.length > 0)
  const aside = known.filter(({ collection }) => collection.isKeptAside)
  return table(
    ['', 'files', 'rules', 'read by a file, mean', 'median', '90th percentile', 'above 10 %', 'above 90 %'],
    [
      ...known.map((one) => row(`${one.collection.name}${one.collection.isKeptAside ? ' (kept aside)' : ''}`, [one])),
      ...(aside.length > 0 ? [row('**kept aside, together**', aside)] : []),
      row('**all**', known),
    ],
  )
}

function refusals(readings: readonly CollectionReading[]): string {
  const whys = new Map<string, number>()
  for (const { refused } of readings) {
    for (const { why } of refused) {
      const kind = /"diagnostics":\[\{.*?"message":"([^"\\]{1,80})/.exec(why)?.[1] ?? why.slice(0, 80)
      const general = kind.replace(/`[^`]*`|'[^']*'|\d+/g, '…')
      whys.set(general, (whys.get(general) ?? 0) + 1)
    }
  }
  if (whys.size === 0) return 'The program took every file.'
  const list = [...whys].sort(([, one], [, other]) => other - one).map(([why, count]) => `${count} × ${why}`)
  return `Refused, by the first thing said: ${list.join('; ')}.`
}

function causeTable(readings: readonly CollectionReading[]): string {
  const kinds = new Map<string, { sum: number; above: number; worst: { share: number; what: string } }>()
  for (const { collection, read } of readings) {
    for (const { file, rules } of read) {
      for (const { name, share, cause } of rules) {
        if (cause === null) continue
        const kind = kinds.get(cause.kind) ?? { sum: 0, above: 0, worst: { share: 0, what: '' } }
        kind.sum += share
        if (share > 0.01) kind.above++
        if (share > kind.worst.share)
          kind.worst = { share, what: `${collection.name}/${file.name}: ${name}, ${cause.term}` }
        kinds.set(cause.kind, kind)
      }
    }
  }
  return table(
    ['cause', 'corpora read, all rules together', 'rules above 1 %', 'the worst of them'],
    [...kinds]
      .sort(([, one], [, other]) => other.sum - one.sum)
      .map(([kind, { sum, above, worst }]) => [
        kind,
        ratio(sum),
        String(above),
        `${worst.what.replaceAll('|', '\\|')} (${percent(worst.share)})`,
      ]),
  )
}

function worstTable(readings: readonly CollectionReading[]): string {
  const all = readings.flatMap(({ collection, read }) => read.map((file) => ({ collection, ...file })))
  all.sort((one, other) => other.share - one.share)
  return table(
    ['file', 'read', 'mostly by'],
    all.slice(0, 15).map(({ collection, file, share, rules }) => {
      const worst = rules.reduce((one, other) => (other.share > one.share ? other : one), rules[0] as (typeof rules)[0])
      const cause = worst.cause === null ? '' : `: ${worst.cause.kind}, ${worst.cause.term}`
      return [`${collection.name}/${file.name}`, percent(share), `${worst.name}${cause}`.replaceAll('|', '\\|')]
    }),
  )
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

// ----------------------------------------------------------------------------------------------------------- answers

/** Hunts with some files of every collection, with the index and without: both must find the same. */
async function checkAnswers(server: RunningServer, collections: readonly RuleCollection[]): Promise<string> {
  console.error('checking the answers …')
  const usable: RuleFile[] = []
  for (const collection of collections) {
    for (const file of someFiles(collection, CHECKED)) {
      if (typeof (await explained(server, [file])) !== 'string') usable.push(file)
    }
  }
  const paths = usable.map(({ path }) => path)
  const plain = await hunt(server, paths, false)
  demandSame('hunts', (await hunt(server, paths, true)).pairs, 'the plain scan', plain.pairs)
  const what = `${usable.length} files of ${collections.length} collections`
  return `Hunts with ${what} found the same ${plain.pairs.size.toLocaleString('en')} (rule, sample) pairs with the index as without it.`
}

// ------------------------------------------------------------------------------------------------------------- times

/** Seconds of the program and of `yara -p 2`, its rules compiled before, side by side. */
async function timeTable(
  server: RunningServer,
  readings: readonly CollectionReading[],
  corpora: readonly Corpus[],
  scratch: string,
): Promise<string> {
  const folders = corpora.map(({ folder }) => folder)
  const rows: string[][] = []
  const beside = (ours: number, theirs: number | null) =>
    theirs === null ? [seconds(ours), '–', '–'] : [seconds(ours), seconds(theirs), `${ratio(theirs / ours)} times`]
  const yaraOf = (path: string): number | null => {
    try {
      return plainScan([path], folders)?.seconds ?? null
    } catch {
      // Rules that libyara does not know.
      return null
    }
  }
  const one: RuleFile[] = []
  for (const { collection, read } of readings) {
    const files = someFiles({ ...collection, files: read.map(({ file }) => file) }, TIMED)
    one.push(...files)
    let ours = 0
    let theirs: number | null = 0
    for (const { path } of files) {
      const scanned = yaraOf(path)
      if (scanned === null) continue
      ours += (await hunt(server, [path], true)).seconds
      theirs += scanned
    }
    rows.push([`${files.length} files of ${collection.name}, one after the other`, ...beside(ours, theirs)])
  }
  const usable = readings.flatMap(({ read }) => read.map(({ file }) => file))
  const together = filesForOneText(usable, TOGETHER)
  const content = together.map((file) => file.content).join('\n')
  const path = join(scratch, 'together.yar')
  writeFileSync(path, content)
  const inOne = await huntFor(server, [{ name: 'together', content }], true)
  const apart = await huntFor(server, together, true)
  demandSame('the rules in one text', inOne.pairs, 'the same in many texts', apart.pairs)
  const rules = together.reduce((sum, file) => sum + file.rules.length, 0)
  rows.push([`${rules} rules in one text`, ...beside(inOne.seconds, yaraOf(path))])
  rows.push([`the same in ${together.length} texts`, seconds(apart.seconds), '–', '–'])
  return table(['', 'Backtrail', '`yara -p 2`', 'faster'], rows)
}
