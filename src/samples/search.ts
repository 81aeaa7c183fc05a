/**
 * Samples by what they are, last seen first. As in src/matches/finding.ts, what an index leaves few of is looked at
 * directly, and everything else is walked in steps with pauses, within a time.
 */
import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { Failure } from '../errors/index.ts'
import { type Counted, countInSteps, type Database, listOf, type Micros } from '../store/index.ts'
import { parseHash } from './hash.ts'
import type { Sample, SampleFilter, SamplePage } from './sample.ts'
import { samplesById, samplesFrom, toSample } from './sample-row.ts'

/** Samples looked at by one statement at most; the first looks at a page only, as that is enough without filters. */
const STEP = 4_000
/** What one answer may take; it is passed only by the step that is under way. */
const BUDGET_MS = 250
/** A tag on no more samples than this is answered directly. */
const FEW = 2_000

/** Where a walk is: it goes on with what was seen before, or at the same time under a smaller id. */
interface Place {
  readonly lastSeen: Micros
  readonly id: number
}

const PAST_ALL: Place = { lastSeen: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER }

/**
 * Samples that fulfil the filter, up to `limit`. A page may be short or empty although `next` is there: then the time
 * was over, and `next`, given as `after`, goes on.
 */
export async function searchSamples(
  database: Database,
  filter: SampleFilter,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<SamplePage> {
  const place = after === undefined ? null : readToken(after)
  const hash = filter.text === undefined ? null : hashIn(filter.text)
  if (hash) return searchHash(database, filter, hash)
  const source = await sourceOf(database, filter)
  const conditions = conditionsOf(filter)
  const started = performance.now()
  const found: Place[] = []
  let below = place
  let size = limit + 1
  do {
    const step = await takeStep(database, source(below, size), size, conditions)
    size = Math.min(STEP, 4 * size)
    found.push(...step.found)
    below = step.next
    if (found.length > limit || performance.now() - started > BUDGET_MS) break
    await setImmediate()
  } while (below !== null)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = found.length > limit && last ? last : below
  const samples = await samplesById(
    database,
    page.map(({ id }) => id),
  )
  return {
    samples: page.flatMap(({ id }) => samples.get(id) ?? []),
    next: next && `${next.lastSeen}.${next.id}`,
  }
}

/** How many samples fulfil the filter; see `Counted`. */
export async function countFound(database: Database, filter: SampleFilter): Promise<Counted> {
  const hash = filter.text === undefined ? null : hashIn(filter.text)
  if (hash) return { count: (await searchHash(database, filter, hash)).samples.length, more: false }
  const source = await sourceOf(database, filter)
  const conditions = conditionsOf(filter)
  return countInSteps<Place>(PAST_ALL, async (below) => {
    const { found, next } = await takeStep(database, source(below, STEP), STEP, conditions)
    return { found: found.length, next }
  })
}

/** The file types that samples have, in alphabetical order. */
export async function fileTypesOf(database: Database): Promise<string[]> {
  // From each type to the next one by the index: as many steps as there are types, not as there are samples.
  const { rows } = await sql<{ type: string }>`
    WITH RECURSIVE types(type) AS (
      SELECT min(file_type) FROM samples
      UNION ALL
      SELECT (SELECT min(file_type) FROM samples WHERE file_type > types.type) FROM types WHERE types.type IS NOT NULL
    )
    SELECT type FROM types WHERE type <> ''`.execute(database)
  return rows.map(({ type }) => type)
}

type Parsed = ReturnType<typeof parseHash>

/** The few samples of one digest, under the filter's other conditions. */
async function searchHash(database: Database, { text: _, ...filter }: SampleFilter, hash: Parsed): Promise<SamplePage> {
  const rows = await samplesFrom(database)
    .where(hash.kind, '=', hash.bytes)
    .where(and(conditionsOf(filter)))
    .orderBy('last_seen', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return { samples: rows.map((row): Sample => toSample(row)), next: null }
}

/** SQL for `last_seen` and `id` of at most `size` samples from a place on. */
type Source = (below: Place | null, size: number) => RawBuilder<unknown>

async function sourceOf(database: Database, filter: SampleFilter): Promise<Source> {
  const { tag, fileTypes, classifications, from, to } = filter
  const conditions: RawBuilder<boolean>[] = []
  if (tag !== undefined) {
    const { rows } = await sql<{ id: number }>`
      SELECT sample_id AS id FROM tags WHERE tag = ${tag} LIMIT ${FEW + 1}`.execute(database)
    if (rows.length <= FEW) conditions.push(sql`id IN ${listOf(rows.map(({ id }) => id))}`)
  }
  // One value each: the index then has its samples in the order of the walk.
  if (conditions.length === 0 && fileTypes?.length === 1) conditions.push(sql`file_type = ${fileTypes[0]}`)
  else if (conditions.length === 0 && classifications?.length === 1) {
    conditions.push(sql`classification = ${classifications[0]}`)
  }
  if (from !== undefined) conditions.push(sql`last_seen >= ${from}`)
  if (to !== undefined) conditions.push(sql`last_seen <= ${to}`)
  return (below, size) => {
    const here = below ? [sql<boolean>`(last_seen, id) < (${below.lastSeen}, ${below.id})`] : []
    return sql`SELECT last_seen, id FROM samples WHERE ${and([...conditions, ...here])}
      ORDER BY last_seen DESC, id DESC LIMIT ${size}`
  }
}

async function takeStep(
  database: Database,
  step: RawBuilder<unknown>,
  size: number,
  conditions: readonly RawBuilder<boolean>[],
): Promise<{ readonly found: readonly Place[]; readonly next: Place | null }> {
  const { rows } = await sql<{ lastSeen: Micros; id: number; fits: 0 | 1 }>`
    WITH step(last_seen, id) AS MATERIALIZED (${step})
    SELECT step.last_seen AS lastSeen, step.id, (${and(conditions)}) AS fits
    FROM step CROSS JOIN samples ON samples.id = step.id
    ORDER BY step.last_seen DESC, step.id DESC`.execute(database)
  const last = rows.at(-1)
  return { found: rows.filter(({ fits }) => fits === 1), next: rows.length >= size && last ? last : null }
}

function conditionsOf({ text, fileTypes, classifications, tag, from, to }: SampleFilter): RawBuilder<boolean>[] {
  const conditions: RawBuilder<boolean>[] = []
  if (text) conditions.push(sql`samples.name LIKE ${`%${text.replace(/[\\%_]/g, '\\$&')}%`} ESCAPE '\\'`)
  if (fileTypes) conditions.push(sql`samples.file_type IN ${listOf(fileTypes)}`)
  if (classifications) conditions.push(sql`samples.classification IN ${listOf<number>(classifications)}`)
  if (from !== undefined) conditions.push(sql`samples.last_seen >= ${from}`)
  if (to !== undefined) conditions.push(sql`samples.last_seen <= ${to}`)
  if (tag !== undefined) {
    conditions.push(sql`EXISTS (SELECT 1 FROM tags WHERE tags.sample_id = samples.id AND tags.tag = ${tag})`)
  }
  return conditions
}

function and(conditions: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return conditions.length > 0 ? sql`${sql.join(conditions, sql` AND `)}` : sql`TRUE`
}

function hashIn(text: string): Parsed | null {
  try {
    return parseHash(text)
  } catch {
    return null
  }
}

function readToken(token: string): Place {
  const found = /^(\d{1,16})\.(\d{1,16})$/.exec(token)
  if (!found) throw new Failure('parameter.out-of-range')
  return { lastSeen: Number(found[1]), id: Number(found[2]) }
}
