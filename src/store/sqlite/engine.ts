import { type RawBuilder, sql } from 'kysely'
import type { Engine } from '../sql/engine.ts'

const eachOf = (values: readonly unknown[]) => sql`json_each(${JSON.stringify(values)})`

/** What SQLite says in its own words. Lists and rows travel as JSON. */
export const sqliteEngine: Engine = {
  listOf: (values) => sql`(SELECT value FROM ${eachOf(values)})`,
  textsOf: (values) => sql`(SELECT value FROM ${eachOf(values)})`,
  bytesOf: (digits) => sql`(SELECT unhex(value) AS value FROM ${eachOf(digits)})`,
  rowsOf(rows, columns) {
    const taken = Object.keys(columns).map((column) => sql`value ->> ${sql.lit(column)} AS ${sql.id(column)}`)
    return sql`(SELECT ${sql.join(taken)} FROM ${eachOf(rows)})`
  },

  joinInOrder: sql`CROSS JOIN`,
  joinNewestSightings: (most) =>
    sql`JOIN sightings ON sightings.id IN (
      SELECT id FROM sightings WHERE sample_id = asked.value ORDER BY id DESC LIMIT ${most})`,
  samplesByListing: sql`samples INDEXED BY samples_processed`,

  // One writes at a time, and a file has no nodes.
  skipLocked: sql``,
  nodeLocks: sql`(SELECT 0 AS value WHERE 0)`,

  // SQLite reads a pattern up to its first NUL, so that `%` would be left of one that no name fits.
  like: (text, pattern) => (pattern.includes('\0') ? sql`(0)` : sql`(${text} LIKE ${pattern} ESCAPE '\\')`),
  contains: (text, part) => sql`(instr(lower(${text}), lower(${part})) > 0)`,
  traitValue: sql`program_traits.value`,

  jsonObject(values) {
    const entries: RawBuilder<unknown>[] = Object.entries(values).map(([key, value]) => sql`${sql.lit(key)}, ${value}`)
    return sql`json_object(${sql.join(entries)})`
  },
  jsonIds: (query) => sql`(SELECT json_group_array(listed.id) FROM (${query}) AS listed)`,
  jsonLength: (json) => sql`json_array_length(${json})`,
  jsonTexts: (json) => sql`json_each(${json})`,
}
