/**
 * The same rules of several collections in one text, in the texts that their authors publish, and a text each: what a hunt
 * with them costs, first and again, beside `yara -p 2`.
 *
 * Answers come first: the engine alone, over every sample, must find what each of the ways finds.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadUsualEngine } from '../src/scanning/engines/index.ts'
import { parse, rulePartsOf } from '../src/yara/index.ts'
import { demandSame, huntFor } from './ad-hoc-hunt.ts'
import { binaries, systemFiles, workFolder } from './corpus.ts'
import { megabytes, ratio, seconds, table } from './figures.ts'
import { filesForOneText, type RuleCollection, type RuleFile, ruleCollections } from './rule-collections.ts'
import { command, RunningServer } from './running-server.ts'
import { plainScan } from './yara-tool.ts'

export interface ManyBenchOptions {
  /** Of system files; 0 for none. */
  readonly megabytes: number
  readonly withBinaries: boolean
  /** The folder whose folders are the collections; null for the usual one. */
  readonly rules: string | null
  /** In one text. */
  readonly count: number
}

export async function benchMany(options: ManyBenchOptions): Promise<string> {
  const files = filesForOneText(inTurn(ruleCollections(options.rules ?? undefined)), options.count)
  const corpora = [
    ...(options.megabytes > 0 ? [systemFiles(options.megabytes)] : []),
    ...(options.withBinaries ? [binaries()] : []),
  ]
  const folders = corpora.map(({ folder }) => folder)
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'many-'))
  try {
    const data = join(scratch, 'data')
    console.error('ingesting …')
    command(['ingest', ...folders, '--data', data], { BACKTRAIL_ARCHIVE_DEPTH: '0' })
    const server = await RunningServer.start(data)
    try {
      await server.settledIndex()
      const content = files.map((file) => file.content).join('\n')
      const ways = [
        ['one text', [{ name: 'together', content }]],
        [
          `${files.length} texts, as they are published`,
          files.map((file, n) => ({ ...file, name: `${n} ${file.name}` })),
        ],
        ['a text for each', ruleByRule(content)],
      ] as const
      console.error('asking the engine …')
      const plain = await huntFor(server, ways[0][1], false)
      const yara = yaraSeconds(join(scratch, 'together.yar'), content, folders)
      const rows: string[][] = []
      let once: { first: number; again: number } | null = null
      for (const [name, texts] of ways) {
        console.error(`hunting with ${name} …`)
        const first = await huntFor(server, texts, true)
        const again = await huntFor(server, texts, true)
        demandSame(`a hunt with ${name}`, first.pairs, 'the engine alone', plain.pairs)
        demandSame(`the next hunt with ${name}`, again.pairs, 'the engine alone', plain.pairs)
        once ??= { first: first.seconds, again: again.seconds }
        rows.push([
          name,
          seconds(first.seconds),
          seconds(again.seconds),
          `${ratio(first.seconds / once.first)}, ${ratio(again.seconds / once.again)}`,
          yara === null ? '–' : `${ratio(yara / first.seconds)}, ${ratio(yara / again.seconds)}`,
        ])
      }
      rows.push(['the engine alone, every sample with every rule', seconds(plain.seconds), '–', '–', '–'])
      if (yara !== null) rows.push(['`yara -p 2`, rules compiled before', seconds(yara), '–', '–', '–'])
      const rules = files.reduce((sum, file) => sum + file.rules.length, 0)
      const bytes = corpora.reduce((sum, corpus) => sum + corpus.bytes, 0)
      const what = `${rules} rules (${megabytes(content.length)}) over ${megabytes(bytes)} found the same ${plain.pairs.size.toLocaleString('en')} (rule, sample) pairs in every way`
      return `${what}.\n\n${table(['', 'first', 'again', 'times one text', 'faster than `yara`'], rows)}`
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** Files that compile, of each collection in turn. */
function* inTurn(collections: readonly RuleCollection[]): Generator<RuleFile> {
  const engine = loadUsualEngine()
  const most = Math.max(...collections.map(({ files }) => files.length))
  for (let n = 0; n < most; n++) {
    for (const { files } of collections) {
      const file = files[n]
      // A few files have thousands of rules: one would be most of the text.
      if (file === undefined || file.rules.length > 60) continue
      if (engine.diagnose(file.content).every(({ severity }) => severity !== 'error')) yield file
    }
  }
}

function ruleByRule(content: string): readonly { readonly name: string; readonly content: string }[] {
  const parts = rulePartsOf(content, parse(content))
  if (parts === null) throw new Error('the text cannot be taken apart')
  // Rules that others refer to come along with them; `private`, they are not reported twice.
  return parts.map(({ rule, content, rules }) => {
    let text = content
    for (const { name, from, to } of rules.toReversed()) {
      const source = content.slice(from, to)
      const isPrivate = name === rule || /^(?:global\s+)?private\s/.test(source)
      if (!isPrivate) text = `${text.slice(0, from)}private ${text.slice(from)}`
    }
    return { name: rule, content: text }
  })
}

/** Null where the tool is not installed, or does not know some rule. */
function yaraSeconds(path: string, content: string, folders: readonly string[]): number | null {
  writeFileSync(path, content)
  try {
    return plainScan([path], folders)?.seconds ?? null
  } catch {
    return null
  }
}
