/**
 * `npm run bench -- [NAME …] [--write]`: runs benchmarks and prints them as Markdown; `--write` puts each into its place
 * in docs/benchmarks.md, and the journeys into docs/journeys.md. BACKTRAIL_BENCH_SAMPLES makes `million` and `cluster` smaller, to
 * try them; `--seconds` (for each attack), `--attack NAME` and `--minutes` (of the soaks) do the same for `attack`, `soak` and
 * `soak-cluster`.
 * `wild` takes a folder of collections of rules (`--rules`), megabytes of system files (`--megabytes`), `--no-binaries`, and
 * `--times` to hunt as well. `many` takes the same, and how many rules to take (`--count`).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchAttack } from './attack.ts'
import { benchCloud } from './cloud.ts'
import { benchCluster } from './cluster.ts'
import { benchClusterIntake } from './cluster-intake.ts'
import { binaries, ownRules, publicRules, systemFiles } from './corpus.ts'
import { benchEngines } from './engines.ts'
import { benchHunts } from './hunts.ts'
import { benchJourneys } from './journeys.ts'
import { benchLists } from './lists.ts'
import { benchMany } from './many.ts'
import { benchMillion } from './million.ts'
import { benchPlacement } from './placement.ts'
import { benchScale } from './scale.ts'
import { benchSoak, benchSoakCluster } from './soak.ts'
import { benchWeb } from './web.ts'
import { benchWild } from './wild.ts'

const { values, positionals } = parseArgs({
  options: {
    write: { type: 'boolean' },
    seconds: { type: 'string', default: '60' },
    attack: { type: 'string', multiple: true, default: [] },
    minutes: { type: 'string', default: '20' },
    rules: { type: 'string' },
    megabytes: { type: 'string', default: '2000' },
    binaries: { type: 'boolean', default: true },
    times: { type: 'boolean', default: false },
    count: { type: 'string', default: '1800' },
    'part-ms': { type: 'string', default: '5' },
    'fetch-ms': { type: 'string', default: '520' },
  },
  allowNegative: true,
  allowPositionals: true,
})

const benchmarks: Readonly<Record<string, () => Promise<string>>> = {
  'hunts-system-files': () => benchHunts({ megabytes: 2_000, withBinaries: false }),
  'hunts-binaries': () => benchHunts({ megabytes: 0, withBinaries: true }),
  hunts: () => benchHunts({ megabytes: 2_000, withBinaries: true }),
  million: () => benchMillion({ samples: Number(process.env.BACKTRAIL_BENCH_SAMPLES ?? 1_000_000) }),
  scale: () =>
    benchScale({ megabytes: Number(values.megabytes), samples: Number(process.env.BACKTRAIL_BENCH_SAMPLES ?? 66_000) }),
  placement: async () => benchPlacement({ partMs: Number(values['part-ms']), fetchMs: Number(values['fetch-ms']) }),
  lists: () => benchLists({ samples: 1_000_000, matches: 10_000_000 }),
  cluster: () =>
    benchCluster({ samples: Number(process.env.BACKTRAIL_BENCH_SAMPLES ?? 4_000), withBinaries: values.binaries }),
  'cluster-intake': () =>
    benchClusterIntake({ corpus: systemFiles(Number(values.megabytes)), rules: ownRules(), nodes: [1, 2] }),
  'cluster-intake-large': () => benchClusterIntake({ corpus: binaries(), rules: publicRules().files, nodes: [1, 2] }),
  cloud: () => benchCloud({ megabytes: 2_000, tenants: 20, rulesets: 50 }),
  attack: () => benchAttack({ secondsEach: Number(values.seconds), only: values.attack }),
  soak: () => benchSoak({ minutes: Number(values.minutes) }),
  'soak-cluster': () => benchSoakCluster({ minutes: Number(values.minutes) }),
  journeys: () => benchJourneys(),
  web: () => benchWeb({ rulesets: 5_000, samples: 20_000, matches: 100_000 }),
  engines: () =>
    benchEngines({ megabytes: Number(values.megabytes), withBinaries: values.binaries, rules: values.rules ?? null }),
  many: () =>
    benchMany({
      megabytes: Number(values.megabytes),
      withBinaries: values.binaries,
      rules: values.rules ?? null,
      count: Number(values.count),
    }),
  wild: () =>
    benchWild({
      megabytes: Number(values.megabytes),
      withBinaries: values.binaries,
      rules: values.rules ?? null,
      withTimes: values.times,
    }),
}

const names = positionals.length > 0 ? positionals : Object.keys(benchmarks)
const unknown = names.filter((name) => !(name in benchmarks))
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}`)
  process.exit(3)
}

const places = new Map(values.write ? names.map((name) => [name, placeOf(name)]) : [])
for (const [name, place] of places)
  if (place === null) console.error(`docs/${pageOf(name)} has no place for ${name}: it is printed only`)

for (const name of names) {
  const report = `${await benchmarks[name]?.()}\n${machine()}\n`
  console.log(`## ${name}\n\n${report}`)
  if (places.get(name)) write(name, report)
}

function machine(): string {
  const [cpu] = cpus()
  const date = new Date().toISOString().slice(0, 10)
  return `Measured on ${date} with Node ${process.versions.node}, ${cpus().length} cores (${cpu?.model.trim()}), ${(totalmem() / 1e9).toFixed(0)} GB.`
}

function pageOf(name: string): string {
  return name === 'journeys' ? 'journeys.md' : 'benchmarks.md'
}

/** What stands before and after the report of a benchmark; null where its page has no marks for it. */
function placeOf(name: string): { readonly path: string; readonly before: string; readonly after: string } | null {
  const path = fileURLToPath(new URL(`../docs/${pageOf(name)}`, import.meta.url))
  const page = readFileSync(path, 'utf8')
  const begin = `<!-- bench ${name} -->\n`
  const from = page.indexOf(begin)
  const to = page.indexOf(`<!-- end of ${name} -->`)
  return from < 0 || to < from ? null : { path, before: page.slice(0, from + begin.length), after: page.slice(to) }
}

/** Replaces what stands between the marks of this benchmark, as the page is now. */
function write(name: string, report: string): void {
  const place = placeOf(name)
  if (place === null) throw new Error(`docs/${pageOf(name)} has lost its place for ${name}`)
  writeFileSync(place.path, `${place.before}\n${report}\n${place.after}`)
}
