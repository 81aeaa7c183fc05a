import { setImmediate } from 'node:timers/promises'
import { type QueryResult, type RawBuilder, sql } from 'kysely'
import { type MatchRow, type MatchSortKey, matchWalkKeys } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

/** The ids of one ruleset's matches. */
export function matchIds(database: Database, rulesetId: number) {
  return database.selectFrom('matches').select('matches.id').where('matches.ruleset_id', '=', rulesetId)
}

/** Samples of the first ruleset that one statement looks up in the others; requests are answered in between. */
const SAMPLES_AT_ONCE = 5_000

/**
 * The ids of the matches of the samples that match all the rulesets, newest first. The samples of the first are looked
 * up in the others, so put the one with the fewest matches first.
 */
export async function commonMatchIds(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
): Promise<number[]> {
  const ids: number[] = []
  for (let after: number | null = 0; after !== null; ) {
    if (after > 0) await setImmediate()
    const answer: QueryResult<CommonStep> = await commonStep(engine, rulesetIds, after).execute(database)
    const step = answer.rows[0]
    for (const id of JSON.parse(step?.ids ?? '[]') as number[]) ids.push(id)
    after = step?.looked === SAMPLES_AT_ONCE ? step.last : null
  }
  return ids.sort((one, other) => other - one)
}

interface CommonStep {
  /** A JSON array. */
  readonly ids: string
  readonly looked: number
  /** The greatest sample id that was looked up. */
  readonly last: number | null
}

export function commonStep(
  { listOf, joinInOrder, jsonIds }: Engine,
  [first = 0, ...others]: readonly number[],
  after: number,
): RawBuilder<CommonStep> {
  const alsoMatches = others.map(
    (other) => sql`EXISTS (
      SELECT 1 FROM matches AS also WHERE also.sample_id = rarest.sample_id AND also.ruleset_id = ${other})`,
  )
  const found = sql`
    SELECT matches.id FROM rarest
    ${joinInOrder} matches ON matches.sample_id = rarest.sample_id AND matches.ruleset_id IN ${listOf([first, ...others])}
    WHERE ${sql.join(alsoMatches, sql` AND `)}`
  return sql<CommonStep>`
    WITH rarest (sample_id) AS MATERIALIZED (
      SELECT DISTINCT sample_id FROM matches AS known WHERE ruleset_id = ${first} AND sample_id > ${after}
      ORDER BY sample_id LIMIT ${SAMPLES_AT_ONCE}
    )
    SELECT max(sample_id) AS last, count(*) AS looked, ${jsonIds(found)} AS ids FROM rarest`
}

/** Matches with their samples and rulesets, in no particular order. */
export function matchesWithSamples(database: Database) {
  return database
    .selectFrom('matches')
    .innerJoin('samples', 'samples.id', 'matches.sample_id')
    .innerJoin('rulesets', 'rulesets.id', 'matches.ruleset_id')
    .select((eb) => [
      'matches.id',
      'matches.sample_id as sampleId',
      'rulesets.name as ruleset',
      'matches.rule',
      'matches.cloud',
      'matches.created',
      'samples.classification',
      'samples.risk_score as riskScore',
      'samples.threat_name as threatName',
      'samples.sha1',
      'samples.md5',
      'samples.sha256',
      'samples.extracted_file_count as extractedFileCount',
      'samples.file_type as fileType',
      'samples.size as fileSize',
      eb.fn.coalesce('matches.name', 'samples.name').as('filename'),
      eb.ref('samples.stored').as('stored'),
    ])
}

type StoredRow = Awaited<ReturnType<ReturnType<typeof matchesWithSamples>['execute']>>[number]

/** These matches, in the order of `ids`; those that are gone are left out. */
export async function matchesById(database: Database, { listOf }: Engine, ids: readonly number[]): Promise<MatchRow[]> {
  const rows = await matchesWithSamples(database).where('matches.id', 'in', listOf(ids)).execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = byId.get(id)
    return row ? [toMatchRow(row)] : []
  })
}

/** What long texts are ordered by, in the words of the indexes: their first 200 characters. */
export const orderedBy = (text: RawBuilder<unknown>): RawBuilder<unknown> => sql`substr(${text}, 1, 200)`

const sortColumns: Readonly<Record<MatchSortKey, RawBuilder<unknown>>> = {
  // Followed by the ruleset.
  rule: sql`matches.rule`,
  ruleset: sql`rulesets.name`,
  name: orderedBy(sql`coalesce(matches.name, samples.name)`),
  classification: sql`samples.classification`,
  threat: orderedBy(sql`samples.threat_name`),
  type: sql`samples.file_type`,
  size: sql`samples.size`,
}

export async function sortedMatchIds(
  database: Database,
  { listOf }: Engine,
  ids: readonly number[],
  by: MatchSortKey,
  descending: boolean,
): Promise<number[]> {
  const column = sortColumns[by]
  const direction = descending ? sql`DESC` : sql`ASC`
  const also = by === 'rule' ? sql`rulesets.name ${direction},` : sql``
  const isWalkedBySample = matchWalkKeys.some((key) => key === by)
  const among = isWalkedBySample
    ? // As the walk by samples has them; without a value, the newest first.
      sql`CASE WHEN ${column} IS NULL THEN 0 ELSE samples.id END ${direction},
        CASE WHEN ${column} IS NULL THEN ${descending ? sql`` : sql`-`}matches.id ELSE matches.id END ${direction}`
    : sql`matches.id DESC`
  const { rows } = await sql<{ id: number }>`
    SELECT matches.id FROM matches JOIN samples ON samples.id = matches.sample_id
    JOIN rulesets ON rulesets.id = matches.ruleset_id WHERE matches.id IN ${listOf(ids)}
    ORDER BY ${column} IS NULL, ${column} ${direction}, ${also} ${among}`.execute(database)
  return rows.map(({ id }) => id)
}

export function toMatchRow(row: StoredRow): MatchRow {
  const { stored, cloud, sha1, md5, sha256, extractedFileCount, ...rest } = row
  const downloadable = stored === 1
  return {
    ...rest,
    cloud: cloud === 1,
    sha1: sha1.toHex(),
    md5: md5?.toHex() ?? null,
    sha256: sha256?.toHex() ?? null,
    extractedFileCount: downloadable ? extractedFileCount : null,
    downloadable,
  }
}
