/**
 * Listing pages over a store with a million samples and ten million matches, as a client sees them. The rows are made
 * up and have no contents, so this measures the database and the API only. Counts are checked before they are timed.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { workFolder } from './corpus.ts'
import { medianOf, megabytes, milliseconds, percentile, table } from './figures.ts'
import { RunningServer } from './running-server.ts'

const RULESETS = 1_000

export async function benchLists({ samples, matches }: { samples: number; matches: number }): Promise<string> {
  mkdirSync(workFolder, { recursive: true })
  const data = mkdtempSync(join(workFolder, 'lists-'))
  try {
    await (await RunningServer.start(data)).stop()
    const begin = performance.now()
    const byRuleset = fillLists(join(data, 'backtrail.db'), { samples, matches, rulesets: RULESETS })
    const filled = (performance.now() - begin) / 1000
    console.error(`filled in ${filled.toFixed(0)} s`)
    const server = await RunningServer.start(data)
    try {
      await checkCounts(server, byRuleset)
      const rows: string[][] = []
      for (const [title, method, path, body] of requests(samples, byRuleset)) {
        const times: number[] = []
        for (let time = 0; time < 21; time++) {
          const start = performance.now()
          await server.call(method, path, body)
          // The first call reads from disk what the others find in memory.
          if (time > 0) times.push((performance.now() - start) / 1000)
        }
        rows.push([title, milliseconds(medianOf(times)), milliseconds(percentile(times, 0.95))])
      }
      const made = `${samples.toLocaleString('en')} samples, ${sum(byRuleset).toLocaleString('en')} matches, ${RULESETS} rulesets`
      return `${made}; made in ${filled.toFixed(0)} s. Server after all of it: ${megabytes(server.memory().server)}.\n\n${table(['request', 'median', '95 %'], rows)}`
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(data, { recursive: true })
  }
}

/** Fills a fresh store with made-up rows. Rulesets get matches by Zipf's law. Returns how many each has. */
export function fillLists(
  path: string,
  { samples, matches, rulesets }: { samples: number; matches: number; rulesets: number },
): number[] {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN')
  // Counting row by row is what the triggers are for; here all are counted at the end.
  const { sql } = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'matches_counted'").get() as {
    sql: string
  }
  database.exec('DROP TRIGGER matches_counted')
  const numbered = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)`
  database
    .prepare(
      `${numbered} INSERT INTO samples (id, sha256, sha1, md5, sha512, size, stored, state, file_type, type_description, name,
         first_seen, last_seen, processed_at, extracted_file_count, classification, risk_score)
       SELECT n, randomblob(32), randomblob(20), randomblob(16), randomblob(64), 1000 + n % 100000, 1, 'processed',
         CASE n % 4 WHEN 0 THEN 'PE/Exe' WHEN 1 THEN 'PE+/Dll' WHEN 2 THEN 'Text/None' ELSE 'ELF64 Little/SO' END, 'made up',
         'sample-' || n, 1700000000000000 + n * 1000000, 1700000000000000 + n * 1000000, 1700000000000000 + n * 1000000, 0,
         n % 4, n % 4
       FROM numbers`,
    )
    .run(samples)
  const { id: owner } = database.prepare('SELECT id FROM users').get() as { id: number }
  database
    .prepare(
      `${numbered} INSERT INTO rulesets (id, name, owner_id, state, created, modified, last_matched)
       SELECT n, 'ruleset_' || n, ${owner}, 'valid', 1700000000000000, 1700000000000000, 1700000000000000 + n FROM numbers`,
    )
    .run(rulesets)
  const harmonic = Array.from({ length: rulesets }, (_, rank) => 1 / (rank + 1)).reduce((a, b) => a + b)
  const insert = database.prepare(
    `${numbered} INSERT INTO matches (ruleset_id, sample_id, rule, created)
     SELECT ?, 1 + (n * 7919 + ? * 104729) % ?, 'rule_' || ((n - 1) / ?), 1700000000000000 + n FROM numbers`,
  )
  const counts = Array.from({ length: rulesets }, (_, rank) => Math.max(1, Math.floor(matches / harmonic / (rank + 1))))
  for (const [rank, count] of counts.entries()) insert.run(count, rank + 1, rank, samples, samples)
  database.exec(`
    INSERT INTO ruleset_counts (ruleset_id, classification, matches)
      SELECT ruleset_id, classification, count(*) FROM matches JOIN samples ON samples.id = sample_id GROUP BY 1, 2;
    ${sql};
    COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)`)
  database.close()
  return counts
}

type Request = readonly [title: string, method: string, path: string, body?: unknown]

function requests(samples: number, byRuleset: readonly number[]): Request[] {
  const matchesOf = (query: string) => `/api/yara/v2/ruleset/matches/?${query}`
  const lastPage = Math.ceil((byRuleset[0] ?? 0) / 100)
  return [
    ['rulesets, all at once', 'GET', '/api/yara/v2/rulesets/?type=all'],
    ['rulesets, page 5 of 10', 'GET', '/api/yara/v2/rulesets/?type=all&page=5&page_size=100'],
    [
      `matches of the largest ruleset (${byRuleset[0]?.toLocaleString('en')}), first page of 100`,
      'GET',
      matchesOf('name=ruleset_1&page=1&page_size=100'),
    ],
    ['the same, middle page', 'GET', matchesOf(`name=ruleset_1&page=${Math.floor(lastPage / 2)}&page_size=100`)],
    ['the same, last page', 'GET', matchesOf(`name=ruleset_1&page=${lastPage}&page_size=100`)],
    [
      'matches of two large rulesets together, first page',
      'GET',
      matchesOf('name=ruleset_2&name=ruleset_40&page=1&page_size=100'),
    ],
    ['newest matches of all rulesets, 100', 'GET', '/api/matches/?limit=100'],
    ['all matches by rule, 100', 'GET', '/api/matches/?order=rule&limit=100'],
    [
      'all matches by ruleset, from the middle on, 100',
      'GET',
      `/api/matches/?order=ruleset&limit=100&after=${Number.MAX_SAFE_INTEGER}.ruleset_5`,
    ],
    ['all matches by type, 100', 'GET', '/api/matches/?order=type&limit=100'],
    ['all matches by classification, the greatest first, 100', 'GET', '/api/matches/?order=classification&limit=100'],
    ['the newest 10,000 matches by size, 100', 'GET', '/api/matches/?order=size&limit=100'],
    ['malicious matches of all rulesets, 100', 'GET', '/api/matches/?classification=malicious&limit=100'],
    ['matches of a small ruleset, all at once', 'GET', matchesOf(`name=ruleset_${RULESETS}`)],
    [
      'status of 100 unknown hashes',
      'POST',
      '/api/samples/status/',
      { hash_values: Array.from({ length: 100 }, (_, n) => n.toString(16).padStart(40, '0')) },
    ],
    ['newest samples, 100', 'GET', '/api/samples/?limit=100'],
    ['samples by a part of the name that few have', 'GET', '/api/samples/?q=sample-4242&limit=100'],
    ['overview', 'GET', '/api/overview/'],
    ['overview, what arrived and matched over time', 'GET', '/api/overview/activity/'],
    ['hunts, first page', 'GET', '/api/hunts/?page=1&page_size=100'],
    ['Local Retro status', 'GET', '/api/uploads/local-retro-hunt/'],
    [`metrics at ${samples.toLocaleString('en')} samples`, 'GET', '/metrics'],
  ].map((request) => request as unknown as Request)
}

async function checkCounts(server: RunningServer, byRuleset: readonly number[]): Promise<void> {
  for (const rank of [0, 9, RULESETS - 1]) {
    const name = `ruleset_${rank + 1}`
    const { count } = await server.call<{ count: number }>(
      'GET',
      `/api/yara/v2/ruleset/matches/?name=${name}&page=1&page_size=1`,
    )
    if (count !== byRuleset[rank]) throw new Error(`${name} has ${byRuleset[rank]} matches, and the list says ${count}`)
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
