/**
 * The values of an order of matches, one after the other, without looking at the matches: by indexes in which a value is
 * found behind another one with one look, however many rows have either.
 */
import { type RawBuilder, sql } from 'kysely'
import type { MatchValue, MatchValuesAsked } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

/** From the least to the greatest; see `classificationNames`. */
const CLASSIFICATIONS = ['0', '1', '2', '3']

export function matchValues(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  asked: MatchValuesAsked,
): Promise<MatchValue[]> {
  switch (asked.by) {
    case 'classification':
      return Promise.resolve(classificationsOf(rulesetIds, asked))
    case 'type':
      return typesOf(database, rulesetIds, asked)
    case 'ruleset':
      return rulesetsOf(database, engine, rulesetIds, asked)
    case 'rule':
      return rulesOf(database, engine, rulesetIds, asked)
  }
}

/** The comparison with where the values begin, and their order. */
function beginning(
  column: RawBuilder<unknown>,
  { from, isBehind, descending }: Pick<MatchValuesAsked, 'from' | 'isBehind' | 'descending'>,
) {
  const mark = sql.raw(`${descending ? '<' : '>'}${isBehind ? '' : '='}`)
  return {
    where: from === null ? sql<boolean>`TRUE` : sql<boolean>`${column} ${mark} ${from}`,
    order: sql`${column} ${sql.raw(descending ? 'DESC' : 'ASC')}`,
  }
}

function classificationsOf(
  rulesetIds: readonly number[],
  { from, isBehind, descending, most }: MatchValuesAsked,
): MatchValue[] {
  const all = descending ? CLASSIFICATIONS.toReversed() : CLASSIFICATIONS
  const at = from === null ? 0 : all.indexOf(from) + (isBehind ? 1 : 0)
  return all.slice(Math.max(0, at), at + most).map((value) => ({ value, rulesetIds }))
}

async function typesOf(
  database: Database,
  rulesetIds: readonly number[],
  { most, ...asked }: MatchValuesAsked,
): Promise<MatchValue[]> {
  const values: MatchValue[] = []
  let { from, isBehind } = asked
  while (values.length < most) {
    const { where, order } = beginning(sql`file_type`, { ...asked, from, isBehind })
    const { rows } = await sql<{ value: string }>`
      SELECT file_type AS value FROM samples WHERE ${where} ORDER BY ${order} LIMIT 1`.execute(database)
    const [row] = rows
    if (!row) break
    values.push({ value: row.value, rulesetIds })
    from = row.value
    isBehind = true
  }
  return values
}

/** All of them where none is named. */
const among = ({ listOf }: Engine, rulesetIds: readonly number[]) =>
  rulesetIds.length > 0 ? sql<boolean>`rulesets.id IN ${listOf(rulesetIds)}` : sql<boolean>`TRUE`

async function rulesetsOf(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  { most, ...asked }: MatchValuesAsked,
): Promise<MatchValue[]> {
  const { where, order } = beginning(sql`rulesets.name`, asked)
  const { rows } = await sql<{ id: number; value: string }>`
    SELECT rulesets.id, rulesets.name AS value FROM rulesets
    WHERE ${where} AND ${among(engine, rulesetIds)}
      AND EXISTS (SELECT 1 FROM matches WHERE matches.ruleset_id = rulesets.id)
    ORDER BY ${order} LIMIT ${most}`.execute(database)
  return rows.map(({ id, value }) => ({ value, rulesetIds: [id] }))
}

/** Of a ruleset, the next rule. */
interface Head {
  readonly id: number
  readonly ruleset: string
  readonly rule: string
}

/** The next rule of each ruleset, and of those the first: then that of the rulesets which had it, and so on. */
async function rulesOf(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  { from, isBehind, descending, most }: MatchValuesAsked,
): Promise<MatchValue[]> {
  const direction = descending ? -1 : 1
  const order = (one: Head, other: Head) =>
    direction * (byBytes(one.rule, other.rule) || byBytes(one.ruleset, other.ruleset))
  const next = (ids: readonly number[], begin: Pick<MatchValuesAsked, 'from' | 'isBehind'>) =>
    nextRules(database, among(engine, ids), { ...begin, descending })
  const [, rule = null, ruleset = ''] = /^([^/]*)\/(.*)$/s.exec(from ?? '') ?? []
  let heads = await next(rulesetIds, { from: rule, isBehind: false })
  if (rule !== null) {
    const place = { id: 0, rule, ruleset }
    const isBefore = (head: Head) => order(head, place) < 0 || (isBehind && order(head, place) === 0)
    const passed = heads.filter(isBefore).map(({ id }) => id)
    heads = heads.filter((head) => !isBefore(head))
    if (passed.length > 0) heads.push(...(await next(passed, { from: rule, isBehind: true })))
  }
  const values: MatchValue[] = []
  while (heads.length > 0 && values.length < most) {
    heads.sort(order)
    const first = heads[0]?.rule ?? ''
    const those = heads.filter((head) => head.rule === first)
    for (const head of those) values.push({ value: `${first}/${head.ruleset}`, rulesetIds: [head.id] })
    heads = heads.slice(those.length)
    const behind = { from: first, isBehind: true }
    if (values.length < most)
      heads.push(
        ...(await next(
          those.map(({ id }) => id),
          behind,
        )),
      )
  }
  return values.slice(0, most)
}

async function nextRules(
  database: Database,
  rulesets: RawBuilder<boolean>,
  asked: Pick<MatchValuesAsked, 'from' | 'isBehind' | 'descending'>,
): Promise<Head[]> {
  const { where, order } = beginning(sql`rule`, asked)
  const { rows } = await sql<{ id: number; ruleset: string; rule: string | null }>`
    SELECT rulesets.id, rulesets.name AS ruleset, (
      SELECT rule FROM matches WHERE ruleset_id = rulesets.id AND ${where} ORDER BY ${order} LIMIT 1
    ) AS rule FROM rulesets WHERE ${rulesets}`.execute(database)
  return rows.flatMap(({ rule, ...ruleset }) => (rule === null ? [] : [{ ...ruleset, rule }]))
}

/** As both databases compare texts. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
