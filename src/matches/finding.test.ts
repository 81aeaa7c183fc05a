/** Matches found by walking and by few candidates, against all of them filtered in plain JavaScript. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { type Classification, type MatchSortKey, matchSortKeys } from '../store/index.ts'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { Matches, type MatchFilter } from './index.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
const SAMPLES = 6_000
const MATCHES = 15_000
const ROUNDS = isLong ? 60 : 30
const TYPES = ['PE/Exe', 'ELF64 Little/Exe', 'Text/HTML/HTML', 'Rare/Type']
const RULESETS = ['alpha', 'beta', 'gamma']
const RULES = ['Trojan_A', 'worm_b', '100%']
const START = 1_700_000_000_000_000
/** Disabled by itself, in one ruleset. */
const DISABLED = { ruleset: 'beta', rule: 'worm_b' }
const SEED = 20_261_122
const RUN = 7
/** Texts that databases compare by their bytes: JavaScript has some of these the other way round. */
const NAMES = ['setup.exe', 'Setup.exe', 'été', 'ﬁ', '\u{1f600}', 'x'.repeat(300), `${'x'.repeat(200)}a`, '']
const THREATS = ['Win32.Trojan.X', 'Linux.Worm.Y', 'ﬁ', '\u{1f600}', null, null]

interface Row {
  readonly id: number
  readonly sample: number
  readonly ruleset: string
  readonly rule: string
  readonly cloud: boolean
  readonly created: number
  readonly type: string
  readonly classification: Classification
  readonly size: number
  readonly tagged: boolean
  /** That the rule held for, else the sample's. */
  readonly name: string
  readonly threat: string | null
  /** Listed by the run `RUN`. */
  readonly inRun: boolean
}

test('every filter finds exactly what a plain look at all matches finds, page by page', async ({ mock }) => {
  console.log(`seed ${SEED}`)
  const random = generator(SEED)
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-finding-'))
  const database = await openDatabase(join(folder, 'backtrail.db'))
  try {
    const rows = await fill(database, random)
    const matches = new Matches(storeOf(database))
    let found = 0
    for (let round = 0; round < ROUNDS; round++) {
      const filter = randomFilter(random)
      const expected = plainly(rows, filter)
      const limit = 1 + random(3_000)
      const about = `seed ${SEED}, round ${round}: ${JSON.stringify(filter)}, limit ${limit}`
      const ids: number[] = []
      let after: number | null | undefined
      do {
        const page = await matches.find(filter, { limit, ...(after && { after }) })
        assert.ok(page.results.length <= limit, about)
        ids.push(...page.results.map(({ id }) => id))
        after = page.next
      } while (after !== null)
      assert.deepEqual(ids, expected, about)
      // Without a condition on matches nothing has to be looked at; all of one ruleset together are all of it.
      const { rulesets = [], together, ...conditions } = filter
      const isLookedAt = Object.keys(conditions).length > 0 || (together && rulesets.length > 1)
      const isCut = expected.length > 10_000 && isLookedAt === true
      const counted = { count: isCut ? 10_000 : expected.length, more: isCut }
      assert.deepEqual(await matches.countFound(filter), counted, about)
      found += ids.length
      if (round % 12 === 0) await assertOrders(matches, rows, filter, expected, about)
    }
    const all = rows.map(({ id }) => id).toReversed()
    await assertWalkedOrders(matches, rows, {}, all, 'all of them')
    const lists: [MatchFilter, (row: Row) => boolean, MatchSortKey[]][] = [
      [{ run: RUN }, ({ inRun }) => inRun, ['rule', 'threat']],
      [{ run: RUN, rulesets: ['alpha', 'beta'] }, ({ inRun, ruleset }) => inRun && ruleset !== 'gamma', ['ruleset']],
    ]
    for (const [filter, isWanted, orders] of lists) {
      const expected = rows
        .filter(isWanted)
        .map(({ id }) => id)
        .toReversed()
      await assertWalkedOrders(matches, rows, filter, expected, JSON.stringify(filter), orders)
    }
    const together = { rulesets: ['alpha', 'beta', 'gamma'], together: true }
    await assertWalkedOrders(matches, rows, together, plainly(rows, together), 'together', ['rule', 'size'])
    const [inTypes, few] = [{ by: 'type', descending: false } as const, { maxSize: 3 }]
    const whole = await matches.findSorted(few, inTypes, { limit: 20 })
    const half = await matches.findSorted(few, inTypes, { limit: 10 })
    // However late it is, a page that follows a sorted one has the next rows of all.
    let clock = 0
    mock.method(performance, 'now', () => (clock += 10_000))
    const late = await matches.findSorted(few, inTypes, { limit: 10, ...(half.next && { after: half.next }) })
    mock.restoreAll()
    assert.deepEqual(
      [...half.results, ...late.results].map(({ id }) => id),
      whole.results.map(({ id }) => id),
    )
    // And a page of a walk looks at one value and leads on.
    clock = 0
    mock.method(performance, 'now', () => (clock += 10_000))
    await assertWalkedOrders(matches, rows, {}, all, 'out of time', ['rule', 'type', 'name'])
    mock.restoreAll()
    const byType = await matches.findSorted({}, { by: 'type', descending: false }, { limit: 1 })
    for (const after of [
      byType.next ?? '',
      '7.type.PE/Exe',
      '7.-size.PE/Exe',
      '7.size',
      '7',
      '7.-size.3',
      '7.-size.3.x',
    ]) {
      const asked = matches.findSorted({}, { by: 'size', descending: true }, { limit: 1, after })
      await assert.rejects(asked, { code: 'parameter.out-of-range' }, after)
    }
    // Rules with many matches, of which few fit: none is compared with all that are newer.
    const groups = await matches.findGroups(few, 'rule', { limit: 500 })
    assert.ok((groups.next ?? 0) < MATCHES / 2, `a page got to match ${groups.next} of ${MATCHES} only`)
    assert.ok(found > MATCHES, `the filters found ${found} matches in all`)
    assert.equal(await matches.count([]), MATCHES)
    const inAlpha = rows.filter(({ ruleset }) => ruleset === 'alpha').length
    assert.equal(await matches.count(['alpha', 'alpha']), inAlpha)
    await assert.rejects(matches.find({ rulesets: ['none'] }, { limit: 1 }), { code: 'ruleset.not-found' })
  } finally {
    await database.destroy()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** The same matches from the oldest on, by sample and by rule. */
async function assertOrders(
  matches: Matches,
  rows: readonly Row[],
  filter: MatchFilter,
  expected: readonly number[],
  about: string,
): Promise<void> {
  const oldestFirst: number[] = []
  for (let after: number | null | undefined; after !== null; ) {
    const page = await matches.find(filter, { limit: 700, oldestFirst: true, ...(after && { after }) })
    oldestFirst.push(...page.results.map(({ id }) => id))
    after = page.next
  }
  assert.deepEqual(oldestFirst, expected.toReversed(), about)
  const sorted = await matches.findSorted(filter, { by: 'size', descending: false }, { limit: 50 })
  if (expected.length < 10_000) {
    const byId = new Map(rows.map((row) => [row.id, row]))
    const bySize = expected.toSorted(bySamples(byId, 'size', false))
    assert.deepEqual(
      sorted.results.map(({ id }) => id),
      bySize.slice(0, 50),
      about,
    )
  }
  await assertWalkedOrders(matches, rows, filter, expected, about)
  const fitting = new Map(rows.map((row) => [row.id, row]))
  for (const by of ['sample', 'rule'] as const) {
    const groups = Map.groupBy(expected, (id) => {
      const row = fitting.get(id)
      return by === 'sample' ? row?.sample : `${row?.ruleset} ${row?.rule}`
    })
    const sizes = new Map([...groups.values()].map((ids) => [ids[0], ids.length]))
    const heads: number[] = []
    for (let after: number | null | undefined; after !== null; ) {
      const page = await matches.findGroups(filter, by, { limit: 900, ...(after && { after }) })
      for (const { newest, matches: counted } of page.results) {
        const all = sizes.get(newest.id) ?? 0
        assert.ok(counted.more ? counted.count <= all : counted.count === all, `${about}: ${counted.count} of ${all}`)
        heads.push(newest.id)
      }
      after = page.next
    }
    assert.deepEqual(heads, [...sizes.keys()], `${about}, by ${by}`)
  }
}

const valuesBy: Readonly<Record<'rule' | 'ruleset' | 'type' | 'classification', (row: Row) => string>> = {
  rule: ({ rule, ruleset }) => `${rule}/${ruleset}`,
  ruleset: ({ ruleset }) => ruleset,
  type: ({ type }) => type,
  classification: ({ classification }) => String(classification),
}

/** Orders that an index has, page by page, however many matches there are. */
async function assertWalkedOrders(
  matches: Matches,
  rows: readonly Row[],
  filter: MatchFilter,
  expected: readonly number[],
  about: string,
  only: readonly MatchSortKey[] = matchSortKeys,
): Promise<void> {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const orders: (readonly [MatchSortKey, boolean, (a: number, b: number) => number])[] = []
  for (const by of ['rule', 'ruleset', 'type', 'classification'] as const) {
    const value = (id: number) => valuesBy[by](byId.get(id) as Row)
    const descending = by === 'type' || by === 'rule'
    const direction = descending ? -1 : 1
    orders.push([by, descending, (a, b) => direction * byBytes(value(a), value(b)) || b - a])
  }
  for (const [by, descending] of [
    ['name', false],
    ['name', true],
    ['threat', true],
    ['size', false],
  ] as const)
    orders.push([by, descending, bySamples(byId, by, descending)])
  for (const [by, descending, compare] of orders) {
    if (!only.includes(by)) continue
    const ids: number[] = []
    for (let after: string | null | undefined; after !== null; ) {
      const page = await matches.findSorted(filter, { by, descending }, { limit: 1_700, ...(after && { after }) })
      ids.push(...page.results.map(({ id }) => id))
      assert.notEqual(page.next, after ?? '', `${about}, by ${by}`)
      after = page.next
    }
    assert.deepEqual(ids, expected.toSorted(compare), `${about}, by ${by}`)
  }
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** By the value, the sample and the match, of texts by the first 200 characters; what has no value last. */
function bySamples(byId: ReadonlyMap<number, Row>, by: 'name' | 'threat' | 'size', descending: boolean) {
  const direction = descending ? -1 : 1
  const bytes = new Map(
    [...NAMES, ...THREATS].map((text) => [text, Buffer.from([...(text ?? '')].slice(0, 200).join(''))]),
  )
  const ofTexts = (x: string, y: string) => Buffer.compare(bytes.get(x) as Buffer, bytes.get(y) as Buffer)
  return (one: number, other: number): number => {
    const [a, b] = [byId.get(one) as Row, byId.get(other) as Row]
    const [x, y] = [a[by], b[by]]
    if (x === null || y === null) return x === y ? other - one : x === null ? 1 : -1
    const values = by === 'size' ? Number(x) - Number(y) : ofTexts(String(x), String(y))
    return direction * (values || a.sample - b.sample || one - other)
  }
}

function plainly(rows: readonly Row[], filter: MatchFilter): number[] {
  const { rulesets, together, rule, enabledRules, cloud, classifications, fileTypes, tag, minSize, maxSize, from, to } =
    filter
  const ofSample = Map.groupBy(rows, ({ sample }) => sample)
  return rows
    .filter(
      (row) =>
        (!rulesets || rulesets.includes(row.ruleset)) &&
        (!rulesets ||
          !together ||
          rulesets.every((name) => ofSample.get(row.sample)?.some(({ ruleset }) => ruleset === name))) &&
        (!rule || row.rule.toLowerCase().includes(rule.toLowerCase())) &&
        (!enabledRules || row.ruleset !== DISABLED.ruleset || row.rule !== DISABLED.rule) &&
        (cloud === undefined || row.cloud === cloud) &&
        (!classifications || classifications.includes(row.classification)) &&
        (!fileTypes || fileTypes.includes(row.type)) &&
        (tag === undefined || row.tagged) &&
        row.size >= (minSize ?? 0) &&
        row.size <= (maxSize ?? Infinity) &&
        row.created >= (from ?? 0) &&
        row.created <= (to ?? Infinity),
    )
    .map(({ id }) => id)
    .sort((a, b) => b - a)
}

function randomFilter(random: (below: number) => number): MatchFilter {
  const maybe = <T extends object>(value: T): Partial<T> => (random(4) === 0 ? value : {})
  const some = <T>(values: readonly T[]): T[] => {
    const chosen = values.filter(() => random(2) === 0)
    return chosen.length > 0 ? chosen : [values[random(values.length)] as T]
  }
  const from = START + random(MATCHES) * 1_000
  return {
    ...(random(2) === 0 && { rulesets: some(RULESETS) }),
    ...maybe({ together: true }),
    ...maybe({ rule: ['TROJAN', 'b', '%', '_'][random(4)] as string }),
    ...maybe({ enabledRules: true }),
    ...maybe({ cloud: random(2) === 0 }),
    ...maybe({ classifications: some<Classification>([0, 1, 2, 3]) }),
    ...maybe({ fileTypes: some(TYPES) }),
    ...maybe({ tag: 'marked' }),
    ...maybe({ minSize: random(1_000) }),
    ...maybe({ maxSize: random(1_000) }),
    ...maybe({ from, ...(random(2) === 0 && { to: from + random(3_000_000) }) }),
  }
}

async function fill(database: Database, random: (below: number) => number): Promise<Row[]> {
  const samples = Array.from({ length: SAMPLES }, (_, place) => ({
    id: place + 1,
    // The rare type and the fourth class are on few samples, the others on too many to look at directly.
    type: TYPES[random(500) === 0 ? 3 : random(3)] as string,
    classification: (random(500) === 0 ? 1 : random(2) * 3) as Classification,
    size: random(1_000),
    tagged: random(100) === 0,
    sampleName: NAMES[random(NAMES.length)] as string,
    threat: THREATS[random(THREATS.length)] as string | null,
  }))
  const seen = new Set<string>()
  const rows: (Row & { readonly ownName: string | null })[] = []
  while (rows.length < MATCHES) {
    const sample = samples[random(SAMPLES)] as (typeof samples)[number]
    const ownName = random(3) === 0 ? (NAMES[random(NAMES.length)] as string) : null
    const row = {
      ...sample,
      ownName,
      name: ownName ?? sample.sampleName,
      inRun: random(5) > 0,
      sample: sample.id,
      ruleset: RULESETS[random(3)] as string,
      rule: RULES[random(3)] as string,
      cloud: random(3) === 0,
      id: rows.length + 1,
      created: START + rows.length * 1_000,
    }
    const key = `${row.sample} ${row.ruleset} ${row.rule} ${row.cloud}`
    if (seen.has(key)) continue
    seen.add(key)
    rows.push(row)
  }
  await sql`INSERT INTO users (id, name, password_hash, role, created) VALUES (1, 'u', '', 'user', 0)`.execute(database)
  for (const [place, name] of RULESETS.entries()) {
    await sql`INSERT INTO rulesets (id, name, owner_id, state, created, modified)
      VALUES (${place + 1}, ${name}, 1, 'valid', 0, 0)`.execute(database)
  }
  await sql`INSERT INTO disabled_rules (ruleset_id, rule, user_id, since)
    SELECT id, ${DISABLED.rule}, 1, 0 FROM rulesets WHERE name = ${DISABLED.ruleset}`.execute(database)
  const list = (values: readonly object[]) => sql`json_each(${JSON.stringify(values)})`
  await sql`INSERT INTO samples (id, sha1, size, stored, state, file_type, type_description, name, first_seen, last_seen, classification,
      threat_name)
    SELECT value ->> 'id', unhex(printf('%040x', value ->> 'id')), value ->> 'size', 1, 'processed', value ->> 'type',
      '', value ->> 'sampleName', 0, 0, value ->> 'classification', value ->> 'threat' FROM ${list(samples)}`.execute(
    database,
  )
  await sql`INSERT INTO tags (sample_id, tag)
    SELECT value ->> 'id', 'marked' FROM ${list(samples)} WHERE value ->> 'tagged'`.execute(database)
  await sql`INSERT INTO matches (id, ruleset_id, sample_id, rule, cloud, created, name)
    SELECT value ->> 'id', rulesets.id, value ->> 'sample', value ->> 'rule', value ->> 'cloud', value ->> 'created',
      value ->> 'ownName' FROM ${list(rows)} JOIN rulesets ON rulesets.name = value ->> 'ruleset'`.execute(database)
  await sql`INSERT INTO hunts (id, kind, state, started_by, created) VALUES (${RUN}, 'local-retro', 'completed', 1, 0)`.execute(
    database,
  )
  await sql`INSERT INTO retro_matches (hunt_id, match_id)
    SELECT ${RUN}, value ->> 'id' FROM ${list(rows)} WHERE value ->> 'inRun'`.execute(database)
  return rows
}

/** xorshift32 */
function generator(seed: number): (below: number) => number {
  let state = seed | 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
