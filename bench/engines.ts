/**
 * Whether the engines agree: every rule of every public collection, on real files, on samples made to satisfy it, and on
 * random ones. An engine may only run rules on which it agrees with the others, or where it is known which of them is right.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type CompiledRules, type Engine, noVariables } from '../src/scanning/engine.ts'
import { bundledEngines, loadEngines } from '../src/scanning/engines/index.ts'
import { parse } from '../src/yara/index.ts'
import { randomFrom } from '../test/planner/random.ts'
import { satisfyingSample } from '../test/planner/satisfying-samples.ts'
import { binaries, systemFiles } from './corpus.ts'
import { seconds, table } from './figures.ts'
import { type RuleCollection, type RuleFile, ruleCollections } from './rule-collections.ts'

export interface EngineBenchOptions {
  /** Of system files, and whether real programs for Windows and others are scanned as well. */
  readonly megabytes: number
  readonly withBinaries: boolean
  readonly rules: string | null
}

/** Samples made for each rule. */
const SAMPLES_PER_RULE = 2
/** The WebAssembly build takes milliseconds for each scan; it is compared on as many texts of each collection. */
const SLOW_FILES = 100
const SEED = 20

interface Tally {
  compiled: number
  refused: number
  compileMs: number
  scanMs: number
}

interface Comparison {
  readonly collection: string
  readonly tallies: ReadonlyMap<string, Tally>
  /** (rule, sample) pairs that are the same, and those that differ, in words. */
  same: number
  readonly different: string[]
  bytes: number
  /** What libyara compiles and none of the engines does: the first error of each file. */
  readonly refused: { readonly file: string; readonly code: string; readonly message: string }[]
}

export async function benchEngines(options: EngineBenchOptions): Promise<string> {
  const engines = bundledEngines()
  const corpora = [
    ...(options.megabytes > 0 ? [systemFiles(options.megabytes)] : []),
    ...(options.withBinaries ? [binaries()] : []),
  ]
  const paths = corpora.flatMap(({ files }) => [...files.keys()])
  const comparisons = ruleCollections(options.rules ?? undefined).map((collection) => {
    console.error(`comparing engines on ${collection.files.length} files of ${collection.name} …`)
    return compare(collection, engines, paths)
  })
  const names = engines.map(({ name }) => name)
  return [
    table(
      [
        'collection',
        'files',
        ...names.flatMap((name) => [`${name} compiles`, 'in']),
        'matches that agree',
        'that differ',
      ],
      comparisons.map(({ collection, tallies, same, different }) => {
        const all = names.map((name) => tallies.get(name) as Tally)
        return [
          collection,
          String(Math.max(...all.map(({ compiled, refused }) => compiled + refused))),
          ...all.flatMap(({ compiled, refused, compileMs }) => [
            `${compiled} of ${compiled + refused}`,
            seconds(compileMs / 1000),
          ]),
          same.toLocaleString('en'),
          String(different.length),
        ]
      }),
    ),
    ...refusedTable(comparisons),
    ...comparisons.flatMap(({ different }) => different.slice(0, 20).map((words) => `- ${words}\n`)),
  ].join('\n')
}

/** By the words of the refusal, names left out. */
function refusedTable(comparisons: readonly Comparison[]): string[] {
  const all = comparisons.flatMap(({ collection, refused }) => refused.map((one) => ({ ...one, collection })))
  if (all.length === 0) return ['libyara compiles no file that no engine compiles.\n']
  const kinds = Map.groupBy(all, ({ message }) => message.replace(/`[^`]*`/g, '`…`').slice(0, 200))
  const rows = [...kinds].map(([message, files]) => [
    String(files.length),
    [...new Set(files.map(({ collection }) => collection))].join(', '),
    message.replaceAll('|', '\\|'),
    files[0]?.file ?? '',
  ])
  return [table(['files', 'of', 'that libyara compiles and Backtrail refuses, saying', 'such as'], rows)]
}

function compare(collection: RuleCollection, engines: readonly Engine[], paths: readonly string[]): Comparison {
  const tallies = new Map(engines.map(({ name }) => [name, { compiled: 0, refused: 0, compileMs: 0, scanMs: 0 }]))
  const comparison: Comparison = { collection: collection.name, tallies, same: 0, different: [], bytes: 0, refused: [] }
  const random = randomFrom(SEED)
  for (const [n, file] of collection.files.entries()) {
    const asked = engines.filter(({ name }) => !name.includes('WebAssembly') || n < SLOW_FILES)
    const compiled = asked.flatMap((engine) => compiledWith(engine, file, tallies.get(engine.name) as Tally))
    if (compiled.length === 0 && isRunByLibyara(file)) {
      const [first] = loadEngines('native')
        .diagnose(file.content)
        .filter(({ severity }) => severity === 'error')
      comparison.refused.push({ file: file.name, code: first?.code ?? '', message: first?.message ?? '' })
    }
    if (compiled.length < 2) continue
    const { rules } = parse(file.content)
    for (let sample = 0; sample < SAMPLES_PER_RULE * rules.length; sample++) {
      const rule = rules[sample % rules.length]
      const bytes = rule === undefined ? null : satisfyingSample(rule, rules, random)
      if (bytes !== null)
        demandSame(comparison, file, compiled, Buffer.from(bytes), `a sample made for ${rule?.name}`, tallies)
    }
    const path = paths.length === 0 ? undefined : paths[(n * 7_919) % paths.length]
    if (path !== undefined) demandSame(comparison, file, compiled, readFileSync(path), path, tallies)
  }
  return comparison
}

function compiledWith(engine: Engine, { content }: RuleFile, tally: Tally): CompiledRules[] {
  const begin = performance.now()
  try {
    const rules = engine.compile(content)
    tally.compiled++
    return [rules]
  } catch {
    tally.refused++
    return []
  } finally {
    tally.compileMs += performance.now() - begin
  }
}

/** Debian's `yarac` compiles it, with the variables that public rules are written for. */
function isRunByLibyara({ path }: RuleFile): boolean {
  const variables = Object.keys(noVariables).flatMap((name) => ['-d', `${name}=x`])
  return spawnSync('yarac', ['-w', ...variables, path, '/dev/null']).status === 0
}

/** The same rules with the same strings at the same places. */
function demandSame(
  comparison: Comparison,
  file: RuleFile,
  compiled: readonly CompiledRules[],
  bytes: Buffer,
  sample: string,
  tallies: ReadonlyMap<string, Tally>,
): void {
  comparison.bytes += bytes.length
  const answers = compiled.map((rules) => {
    const begin = performance.now()
    const found = new Map(rules.scan(bytes, noVariables).map(({ rule, strings }) => [rule, placesOf(strings)]))
    const tally = tallies.get(rules.engine)
    if (tally !== undefined) tally.scanMs += performance.now() - begin
    return { engine: rules.engine, found }
  })
  const [first, ...others] = answers
  if (first === undefined) return
  for (const rule of new Set(answers.flatMap(({ found }) => [...found.keys()]))) {
    const odd = others.find(({ found }) => found.get(rule) !== first.found.get(rule))
    if (odd === undefined) comparison.same++
    else {
      const say = ({ engine, found }: (typeof answers)[number]) =>
        `${engine} ${found.has(rule) ? `finds it (${found.get(rule)?.slice(0, 80)})` : 'does not'}`
      comparison.different.push(`\`${rule}\` of ${file.name} in ${sample}: ${say(first)}, ${say(odd)}`)
    }
  }
}

function placesOf(
  strings: readonly { readonly identifier: string; readonly offset: number; readonly length: number }[],
): string {
  return strings
    .map(({ identifier, offset, length }) => `${identifier} ${offset}+${length}`)
    .sort()
    .join(' ')
}
