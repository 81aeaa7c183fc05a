/**
 * Samples by what a query demands of them. As with matches (match-search.ts), what an index leaves few of is looked at
 * directly, and everything else is walked by time, in steps with pauses for other requests, within a budget.
 *
 * A step answers a number of samples in the server's own thread, and what one sample costs depends on the query: so the
 * next step is sized by how long the last one took.
 */
import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { type Condition, literalOf, type Pattern } from '../../query/index.ts'
import type { Micros } from '../clock.ts'
import { countInSteps } from '../counted.ts'
import type { SampleOrder, SamplePlace, SampleSearch, SampleSortKey } from '../sample-search.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import {
  digestSql,
  kindsOf,
  likeSql,
  prefixSql,
  sqlOf,
  startOf,
  tagSql,
  traitSql,
  typeSql,
} from './sample-conditions.ts'

/** Samples looked at by one statement at most; the first looks at a page only, as that is enough without conditions. */
const STEP = 4_000
/** A step is to take about so long. */
const STEP_MS = 10
/** Conditions that leave no more samples than this are answered directly. */
const FEW = 2_000

/** Archives that are looked at for the outermost ones of a sample, and how many are shown. */
const MOST_ABOVE = 20_000
const MOST_CONTAINERS = 1_000

const newestFirst: SampleOrder = { by: 'lastSeen', ascending: false }

export function sqlSampleSearch(database: Database, engine: Engine): SampleSearch {
  return {
    async find(condition, { limit, after, order, budgetMs }) {
      const walk = await openWalk(database, engine, condition, order)
      const started = performance.now()
      const found: SamplePlace[] = []
      let behind = after
      let size = limit + 1
      do {
        const step = await walk(behind, size)
        found.push(...step.found)
        behind = step.next
        size = sizeAfter(size, step.ms)
        if (found.length > limit || performance.now() - started > budgetMs) break
        await setImmediate()
      } while (behind !== null)
      const page = found.slice(0, limit)
      return { found: page, next: found.length > limit ? (page.at(-1) ?? null) : behind }
    },

    async count(condition) {
      const walk = await openWalk(database, engine, condition, newestFirst)
      let size = STEP / 8
      return countInSteps<SamplePlace | 'start'>('start', async (from) => {
        const { found, next, ms } = await walk(from === 'start' ? null : from, size)
        size = sizeAfter(size, ms)
        return { found: found.length, next }
      })
    },

    async fulfilling(condition, ids) {
      const { rows } = await sql<{ id: number }>`
        SELECT id FROM samples WHERE id IN ${engine.listOf(ids)} AND ${sqlOf(engine, condition)}`.execute(database)
      return new Set(rows.map(({ id }) => id))
    },

    async sort(ids, by, ascending) {
      const direction = ascending ? sql`ASC` : sql`DESC`
      const { rows } = await sql<{ id: number }>`
        SELECT id FROM samples WHERE id IN ${engine.listOf(ids)}
        ORDER BY ${sortColumns[by]} IS NULL, ${sortColumns[by]} ${direction}, id DESC`.execute(database)
      return rows.map(({ id }) => id)
    },

    async containersOf(id) {
      const { rows } = await sql<{ id: number }>`
        WITH RECURSIVE above(id) AS (
          SELECT parent_id FROM members WHERE child_id = ${id}
          UNION
          SELECT members.parent_id FROM above JOIN members ON members.child_id = above.id
        )
        SELECT id FROM (SELECT id FROM above LIMIT ${MOST_ABOVE}) AS above WHERE NOT EXISTS (SELECT 1 FROM members WHERE child_id = above.id)
        ORDER BY id LIMIT ${MOST_CONTAINERS}`.execute(database)
      return rows.map(({ id }) => id)
    },

    fileTypes: () => fileTypesOf(database),
  }
}

const sortColumns: Readonly<Record<SampleSortKey, RawBuilder<unknown>>> = {
  sha1: sql`sha1`,
  firstseen: sql`first_seen`,
  threatname: sql`threat_name`,
  sampletype: sql`file_type`,
  filecount: sql`extracted_file_count`,
  size: sql`size`,
}

/** How many rows the next step looks at, by what the last one took. */
export function sizeAfter(size: number, ms: number): number {
  if (ms > 2 * STEP_MS) return Math.max(16, Math.floor((size * STEP_MS) / ms))
  return ms < STEP_MS ? Math.min(STEP, 4 * size) : size
}

type Walk = (
  behind: SamplePlace | null,
  size: number,
) => Promise<{ readonly found: readonly SamplePlace[]; readonly next: SamplePlace | null; readonly ms: number }>

async function openWalk(
  database: Database,
  engine: Engine,
  condition: Condition | null,
  order: SampleOrder,
): Promise<Walk> {
  const source = condition === null ? everySample : await sourceOf(database, engine, condition, order)
  const fits = condition === null ? sql<boolean>`TRUE` : sqlOf(engine, condition)
  const time = order.by === 'lastSeen' ? sql`last_seen` : sql`first_seen`
  // A plus keeps the database from walking an index by time for samples that it has the ids of.
  const column = source.ids === null ? time : sql`+${time}`
  const direction = order.ascending ? sql`ASC` : sql`DESC`
  return async (behind, size) => {
    const started = performance.now()
    const where = [...source.where]
    if (source.ids !== null) where.push(sql`id IN ${engine.listOf(source.ids)}`)
    if (behind) where.push(sql`(${column}, id) ${order.ascending ? sql`>` : sql`<`} (${behind.at}, ${behind.id})`)
    const { rows } = await sql<{ at: Micros; id: number; fits: 0 | 1 }>`
      WITH step(at, id) AS MATERIALIZED (
        SELECT ${time}, id FROM samples WHERE ${where.length > 0 ? sql.join(where, sql` AND `) : sql`TRUE`}
        ORDER BY ${column} ${direction}, id ${direction} LIMIT ${size}
      )
      SELECT step.at, step.id, CASE WHEN ${fits} THEN 1 ELSE 0 END AS fits
      FROM step ${engine.joinInOrder} samples ON samples.id = step.id
      ORDER BY step.at ${direction}, step.id ${direction}`.execute(database)
    const last = rows.at(-1)
    return {
      found: rows.filter((row) => row.fits === 1).map(({ at, id }) => ({ at, id })),
      next: rows.length >= size && last ? { at: last.at, id: last.id } : null,
      ms: performance.now() - started,
    }
  }
}

/** What every sample in question fulfils, as an index answers it. */
interface Source {
  /** Where something leaves few. */
  readonly ids: readonly number[] | null
  readonly where: readonly RawBuilder<boolean>[]
}

const everySample: Source = { ids: null, where: [] }

/** Only what keeps the order of the walk: everything else would be sorted as a whole for each step. */
async function sourceOf(
  database: Database,
  engine: Engine,
  condition: Condition,
  { by }: SampleOrder,
): Promise<Source> {
  const ids = await fewSamples(database, engine, condition)
  if (ids !== null) return { ids, where: [] }
  const parts = condition.kind === 'all' ? condition.of : [condition]
  const where: RawBuilder<boolean>[] = []
  for (const part of parts) {
    if (part.kind !== 'number' || part.field !== by.toLowerCase()) continue
    const column = by === 'lastSeen' ? sql<boolean>`last_seen` : sql<boolean>`first_seen`
    if (part.bounds.from !== null) where.push(sql`${column} >= ${part.bounds.from}`)
    if (part.bounds.to !== null) where.push(sql`${column} <= ${part.bounds.to}`)
  }
  if (by !== 'lastSeen') return { ids: null, where }
  for (const part of parts) {
    if (part.kind === 'classification') return { ids: null, where: [...where, sql`classification = ${part.is}`] }
    if (part.kind !== 'text' || part.field !== 'type') continue
    const types = await typesOf(database, engine, part.pattern)
    if (types.length === 1) return { ids: null, where: [...where, sql`file_type = ${types[0]}`] }
  }
  return { ids: null, where }
}

/** The samples that something demanded leaves; null where nothing is known to leave few. */
async function fewSamples(database: Database, engine: Engine, condition: Condition): Promise<number[] | null> {
  if (condition.kind === 'all') {
    for (const part of condition.of) {
      const ids = await fewSamples(database, engine, part)
      if (ids !== null) return ids
    }
    return null
  }
  if (condition.kind === 'any') {
    const all = new Set<number>()
    for (const part of condition.of) {
      const ids = await fewSamples(database, engine, part)
      if (ids === null) return null
      for (const id of ids) all.add(id)
      if (all.size > FEW) return null
    }
    return [...all]
  }
  const ids = new Set<number>()
  const probes = await probesOf(database, engine, condition)
  for (const probe of probes ?? []) {
    const { rows } = await sql<{ id: number }>`${probe} LIMIT ${FEW + 1}`.execute(database)
    for (const { id } of rows) ids.add(id)
    if (rows.length > FEW || ids.size > FEW) return null
  }
  return probes && [...ids]
}

/**
 * Queries that an index answers, which together give at least the samples that fulfil the condition; null where there is
 * no index for it.
 */
async function probesOf(
  database: Database,
  engine: Engine,
  condition: Condition,
): Promise<RawBuilder<unknown>[] | null> {
  switch (condition.kind) {
    case 'hash':
      // Each kind by its own index: asked for several at once, the database would rather read the whole table.
      return kindsOf(condition.of, condition.digits).map(
        (kind) => sql`SELECT id FROM samples WHERE ${digestSql(sql``, kind, condition.digits)}`,
      )
    case 'tlsh':
      return [sql`SELECT sample_id AS id FROM tlsh WHERE ${prefixSql(sql`digest`, condition.digits)}`]
    case 'parent':
      return kindsOf('any', condition.digits).map(
        (kind) => sql`SELECT child_id AS id FROM members WHERE parent_id IN (
          SELECT id FROM samples WHERE ${digestSql(sql``, kind, condition.digits)})`,
      )
    case 'program':
      // Without a beginning all values of the field would be read.
      if (startOf(condition.pattern) === '') return null
      return [
        sql`SELECT sample_id AS id FROM program_traits WHERE ${traitSql(engine, condition.field, condition.pattern)}`,
      ]
    case 'number': {
      const { from, to } = condition.bounds
      if (condition.field === 'compiled') {
        return [
          sql`SELECT sample_id AS id FROM programs
            WHERE compiled BETWEEN ${from ?? 0} AND ${to ?? Number.MAX_SAFE_INTEGER}`,
        ]
      }
      if (condition.field !== 'firstseen') return null
      return [sql`SELECT id FROM samples WHERE first_seen BETWEEN ${from ?? 0} AND ${to ?? Number.MAX_SAFE_INTEGER}`]
    }
    case 'text':
      return probesOfText(database, engine, condition)
    default:
      return null
  }
}

async function probesOfText(
  database: Database,
  engine: Engine,
  { field, pattern }: Extract<Condition, { kind: 'text' }>,
): Promise<RawBuilder<unknown>[] | null> {
  switch (field) {
    case 'tag':
      return literalOf(pattern) === null
        ? null
        : [sql`SELECT sample_id AS id FROM tags WHERE ${tagSql(engine, pattern)}`]
    case 'ruleset':
      return [
        sql`SELECT sample_id AS id FROM matches WHERE ruleset_id IN (
          SELECT id FROM rulesets WHERE tenant_id IS NULL AND ${likeSql(engine, sql`name`, pattern)})`,
      ]
    case 'type':
      return [
        sql`SELECT id FROM samples WHERE file_type IN ${engine.textsOf(await typesOf(database, engine, pattern))}`,
      ]
    default:
      return null
  }
}

async function typesOf(database: Database, engine: Engine, pattern: Pattern): Promise<string[]> {
  const { rows } = await sql<{ type: string }>`
    SELECT value AS type FROM ${engine.textsOf(await fileTypesOf(database))} AS types
    WHERE ${typeSql(engine, sql`value`, pattern)}`.execute(database)
  return rows.map(({ type }) => type)
}

async function fileTypesOf(database: Database): Promise<string[]> {
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
