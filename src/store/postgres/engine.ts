import { type RawBuilder, sql } from 'kysely'
import type { Engine, ValueKind } from '../sql/engine.ts'
import { storable } from '../storable.ts'

/** The first number of the locks that nodes hold, each with its id as the second; see `node-lock.ts`. */
export const NODE_LOCK = 0x42_6b_54_73

const types: Readonly<Record<ValueKind, RawBuilder<unknown>>> = {
  integer: sql`bigint`,
  text: sql`text`,
  flag: sql`boolean`,
}

/**
 * What PostgreSQL says in its own words. Lists travel as arrays, rows as JSON. Where texts are compared the collation is
 * named, since that of the database may be any; the columns have theirs.
 */
export const postgresEngine: Engine = {
  listOf: (values) => sql`(SELECT unnest(${values}::bigint[]) AS value)`,
  textsOf: (values) => sql`(SELECT unnest(${values.map(storable)}::text[]) AS value)`,
  bytesOf: (digits) =>
    sql`(SELECT decode(unnest(${digits.filter((each) => /^([\da-f]{2})*$/i.test(each))}::text[]), 'hex') AS value)`,
  rowsOf(rows, columns) {
    const taken = Object.entries(columns as Record<string, ValueKind>).map(
      ([column, kind]) => sql`${sql.id(column)} ${types[kind]}`,
    )
    const json = JSON.stringify(rows, (_key, value) => (typeof value === 'string' ? storable(value) : value))
    return sql`(SELECT * FROM json_to_recordset(${json}::json) AS given (${sql.join(taken)}))`
  },

  joinInOrder: sql`JOIN`,
  joinNewestSightings: (most) =>
    sql`CROSS JOIN LATERAL (
      SELECT * FROM sightings WHERE sample_id = asked.value ORDER BY id DESC LIMIT ${most}) AS sightings`,
  samplesByListing: sql`samples`,

  skipLocked: sql`FOR UPDATE SKIP LOCKED`,
  nodeLocks: sql`(
    SELECT objid::bigint AS value FROM pg_locks
    WHERE locktype = 'advisory' AND classid = ${sql.lit(NODE_LOCK)} AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,

  like: (text, pattern) => sql`(${text} COLLATE "C" ILIKE ${pattern} ESCAPE '\\')`,
  contains: (text, part) => sql`(strpos(lower(${text} COLLATE "C"), lower(${part} COLLATE "C")) > 0)`,
  traitValue: sql`lower(program_traits.value)`,

  jsonObject(values) {
    const entries: RawBuilder<unknown>[] = Object.entries(values).map(([key, value]) => sql`${sql.lit(key)}, ${value}`)
    return sql`json_build_object(${sql.join(entries)})::text`
  },
  jsonIds: (query) => sql`(SELECT coalesce(json_agg(listed.id), '[]')::text FROM (${query}) AS listed)`,
  jsonLength: (json) => sql`json_array_length(${json}::json)`,
  // A text of PostgreSQL has no character 0, and it refuses to take one out of JSON.
  jsonTexts: (json) => sql`json_array_elements_text(replace(${json}, '\\u0000', '\\ufffd')::json)`,
}
