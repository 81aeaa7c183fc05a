/**
 * A cloud with 1,000 rulesets of 20 tenants that takes samples in, against one with a single ruleset, and how fast the
 * tenants read their feeds. Each tenant's feed is held against a plain scan before anything is told.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Feed, tcaPath } from '../src/tca/index.ts'
import { type Corpus, publicRules, systemFiles, workFolder } from './corpus.ts'
import { megabytes, ratio, seconds, table } from './figures.ts'
import { command, RunningServer } from './running-server.ts'

const PASSWORD = 'a password of tenants'
/** Matches many of the files, so that feeds are long. */
const broad = 'rule copyright { strings: $word = "copyright" nocase condition: $word }'

interface Tenant {
  readonly name: string
  /** Names of rulesets by the file whose rules they hold. */
  readonly rulesets: readonly { readonly name: string; readonly file: string; readonly text: string }[]
}

export async function benchCloud(size: { megabytes: number; tenants: number; rulesets: number }): Promise<string> {
  const corpus = systemFiles(size.megabytes)
  const rules = publicRules()
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'cloud-'))
  try {
    const broadFile = join(scratch, 'broad.yara')
    writeFileSync(broadFile, broad)
    const files = [broadFile, ...rules.files]
    const [alone] = tenantsOf({ tenants: 1, rulesets: 1 }, files)
    const many = tenantsOf(size, files)
    const one = await withTenants(join(scratch, 'one'), alone ? [alone] : [], corpus, async () => {})
    console.error(`1 ruleset: ${seconds(one.elapsed)}`)
    const all = await withTenants(join(scratch, 'many'), many, corpus, (server) => readFeeds(server, many))
    console.error(`${many.length * size.rulesets} rulesets: ${seconds(all.elapsed)}`)
    const { entries, bytes: fed, pages, elapsed } = all.result
    demandSame(many, entries, plainScan(files, join(scratch, 'many')))
    const count = [...entries.values()].reduce((sum, list) => sum + list.length, 0)
    const rate = ({ elapsed }: { elapsed: number }) =>
      `${Math.round(corpus.files.size / elapsed).toLocaleString('en')} files/s, ${megabytes(corpus.bytes / elapsed)}/s`
    return [
      `${corpus.files.size.toLocaleString('en')} ${corpus.name} (${megabytes(corpus.bytes)}). `,
      `The ${many.length} feeds hold what a plain scan finds: ${count.toLocaleString('en')} entries.\n\n`,
      table(
        ['', 'measured'],
        [
          ['taking in, 1 tenant with 1 ruleset', rate(one)],
          [`taking in, ${many.length} tenants with ${size.rulesets} rulesets each`, rate(all)],
          ['the one over the other', ratio(one.elapsed / all.elapsed)],
          [
            'feeds, read in pages',
            `${Math.round(count / elapsed).toLocaleString('en')} entries/s, ${megabytes(fed / elapsed)}/s`,
          ],
          ['a page', seconds(elapsed / pages)],
        ],
      ),
    ].join('')
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** Every tenant has the broad rule and its stretch of the public ones; every other tenant has texts of its own. */
function tenantsOf({ tenants, rulesets }: { tenants: number; rulesets: number }, files: readonly string[]): Tenant[] {
  const [broadFile = '', ...others] = files
  return Array.from({ length: tenants }, (_, t) => ({
    name: `tenant-${t}`,
    rulesets: Array.from({ length: rulesets }, (_, n) => {
      const file = n === 0 ? broadFile : (others[(t * rulesets + n) % others.length] ?? '')
      const text = readFileSync(file, 'utf8')
      return { name: `ruleset_${n}`, file, text: t % 2 === 0 ? text : `${text}\n// as tenant ${t} keeps it\n` }
    }),
  }))
}

/** A fresh cloud with the tenants, that takes in the corpus; then what `work` does with it. */
async function withTenants<T>(
  data: string,
  tenants: readonly Tenant[],
  corpus: Corpus,
  work: (server: RunningServer) => Promise<T>,
): Promise<{ elapsed: number; result: T }> {
  const flags = ['--role', 'cloud', '--tenant-retro-rate', '0']
  const first = await RunningServer.start(data, flags)
  await Promise.all(
    tenants.map(async ({ name, rulesets }) => {
      await first.call('POST', '/api/users/', { name, password: PASSWORD, role: 'tenant' })
      for (const { name: ruleset_name, text } of rulesets) {
        await ask(first, name, 'POST', tcaPath('rulesets', {}), { ruleset_name, text })
      }
    }),
  )
  await first.stop()
  // Members of archives are samples too, but are not counted here.
  const { seconds: elapsed } = command(['ingest', corpus.folder, '--data', data], { BACKTRAIL_ARCHIVE_DEPTH: '0' })
  const server = await RunningServer.start(data, flags)
  try {
    return { elapsed, result: await work(server) }
  } finally {
    await server.stop()
  }
}

interface Feeds {
  /** `ruleset sha256` by tenant. */
  readonly entries: ReadonlyMap<string, readonly string[]>
  readonly bytes: number
  readonly pages: number
  readonly elapsed: number
}

async function readFeeds(server: RunningServer, tenants: readonly Tenant[]): Promise<Feeds> {
  const entries = new Map<string, string[]>()
  let bytes = 0
  let pages = 0
  const end = Math.floor(Date.now() / 1000) - 1
  // Each tenant's credentials are verified once, at a price, and believed from then on.
  for (const { name } of tenants) await ask(server, name, 'GET', tcaPath('rulesets', {}))
  const begin = performance.now()
  for (const { name } of tenants) {
    const got: string[] = []
    for (let start = end - 3600; start <= end; ) {
      const path = `${tcaPath('liveFeed', { form: 'timestamp', start: String(start) })}?format=json&extended=true`
      const text = await ask(server, name, 'GET', path)
      const { feed } = (JSON.parse(text) as Feed).rl
      for (const { ruleset_name, sha256 } of feed.entries) got.push(`${ruleset_name} ${sha256}`)
      start = feed.last_timestamp + 1
      bytes += text.length
      pages++
    }
    entries.set(name, got)
  }
  return { entries, bytes, pages, elapsed: (performance.now() - begin) / 1000 }
}

async function ask(
  server: RunningServer,
  tenant: string,
  method: string,
  path: string,
  body?: object,
): Promise<string> {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${tenant}:${PASSWORD}`)}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
  return text
}

/** The samples that each rule file matches, found by reading everything. */
function plainScan(files: readonly string[], data: string): Map<string, Set<string>> {
  const { output } = command(['hunt', ...files, '--no-index', '--json', '--data', data])
  const samples = new Map<string, Set<string>>()
  for (const line of output.split('\n').filter(Boolean)) {
    const { ruleset, sha256 } = JSON.parse(line) as { ruleset: string; sha256: string }
    const found = samples.get(ruleset) ?? new Set()
    samples.set(ruleset, found.add(sha256))
  }
  return samples
}

function demandSame(
  tenants: readonly Tenant[],
  feeds: ReadonlyMap<string, readonly string[]>,
  found: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  for (const { name: tenant, rulesets } of tenants) {
    const expected = rulesets.flatMap(({ name, file }) =>
      [...(found.get(basename(file).replace(/\.yara$/, '')) ?? [])].map((sha256) => `${name} ${sha256}`),
    )
    const got = feeds.get(tenant) ?? []
    if (JSON.stringify(expected.sort()) === JSON.stringify([...got].sort())) continue
    const missed = expected.filter((entry) => !got.includes(entry))
    throw new Error(
      `the feed of ${tenant} has ${got.length} entries, not ${expected.length}; missed ${missed.slice(0, 3)}`,
    )
  }
}
