/**
 * The conditions of a query as SQL about a row of `samples`. What people wrote travels in parameters alone: the text of a
 * statement is put together from what stands in this file.
 */
import { type RawBuilder, sql } from 'kysely'
import {
  type Bounds,
  type Condition,
  type HashKind,
  literalOf,
  type NumberField,
  type Pattern,
  type ProgramField,
  type TextField,
} from '../../query/index.ts'
import { type Engine, MOST_SIGHTINGS } from './engine.ts'

type Sql = RawBuilder<boolean>

/** Always true or false: a value that is missing fulfils nothing, and what is not fulfilled is so of it too. */
export function sqlOf(engine: Engine, condition: Condition): Sql {
  switch (condition.kind) {
    case 'all':
      return joined(engine, condition.of, sql` AND `)
    case 'any':
      return joined(engine, condition.of, sql` OR `)
    case 'not':
      return sql`NOT ${sqlOf(engine, condition.of)}`
    case 'hash':
      return sql`(${hashSql(sql`samples.`, condition.of, condition.digits)})`
    case 'tlsh':
      return sql`EXISTS (SELECT 1 FROM tlsh WHERE tlsh.sample_id = samples.id AND ${prefixSql(sql`tlsh.digest`, condition.digits)})`
    case 'parent':
      return sql`EXISTS (SELECT 1 FROM members JOIN samples AS parents ON parents.id = members.parent_id
        WHERE members.child_id = samples.id AND (${hashSql(sql`parents.`, 'any', condition.digits)}))`
    case 'text':
      return textSql[condition.field](engine, condition.pattern)
    case 'program':
      return sql`EXISTS (SELECT 1 FROM program_traits WHERE program_traits.sample_id = samples.id
        AND ${traitSql(engine, condition.field, condition.pattern)})`
    case 'number':
      return sql`(${between(columns[condition.field], condition.bounds)})`
    case 'classification':
      return sql`(samples.classification = ${condition.is})`
    case 'stored':
      return sql`(samples.stored = ${condition.is ? 1 : 0})`
  }
}

function joined(engine: Engine, of: readonly Condition[], by: Sql): Sql {
  return sql`(${sql.join(
    of.map((one) => sqlOf(engine, one)),
    by,
  )})`
}

const columns: Readonly<Record<NumberField, Sql>> = {
  size: sql`samples.size`,
  riskscore: sql`samples.risk_score`,
  filecount: sql`samples.extracted_file_count`,
  firstseen: sql`samples.first_seen`,
  lastseen: sql`samples.last_seen`,
  compiled: sql`(SELECT programs.compiled FROM programs WHERE programs.sample_id = samples.id)`,
}

function between(column: Sql, { from, to }: Bounds): Sql {
  const parts = [
    ...(from === null ? [] : [sql`${column} >= ${from}`]),
    ...(to === null ? [] : [sql`${column} <= ${to}`]),
  ]
  return parts.length === 0 ? sql`${column} IS NOT NULL` : sql`(${sql.join(parts, sql` AND `)}) IS TRUE`
}

const hashKinds = ['sha256', 'sha1', 'md5', 'sha512'] as const
const digitsOf: Readonly<Record<HashKind, number>> = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }

/** `table` ends with its dot. */
function hashSql(table: Sql, of: HashKind | 'any', digits: string): Sql {
  const kinds = kindsOf(of, digits)
  if (kinds.length === 0) return sql`FALSE`
  return sql`(${sql.join(
    kinds.map((kind) => digestSql(table, kind, digits)),
    sql` OR `,
  )}) IS TRUE`
}

/** The kinds of digests that may begin with these digits, or be these. */
export function kindsOf(of: HashKind | 'any', digits: string): readonly HashKind[] {
  return (of === 'any' ? hashKinds : [of]).filter((kind) => {
    // Whoever gives all digits of one kind does not mean the beginning of another.
    const isWholeOfOther = of === 'any' && Object.values(digitsOf).includes(digits.length)
    return isWholeOfOther ? digitsOf[kind] === digits.length : digits.length <= digitsOf[kind]
  })
}

const digestColumns: Readonly<Record<HashKind, Sql>> = {
  md5: sql`md5`,
  sha1: sql`sha1`,
  sha256: sql`sha256`,
  sha512: sql`sha512`,
}

/** As an index can answer it. */
export function digestSql(table: Sql, kind: HashKind, digits: string): Sql {
  return prefixSql(sql`${table}${digestColumns[kind]}`, digits)
}

/** A range of the index: from the digits with zeros behind them to the next beginning of that length. */
export function prefixSql(column: Sql, digits: string): Sql {
  const even = digits.length % 2 === 0
  const from = Buffer.from(even ? digits : `${digits}0`, 'hex')
  const last = BigInt(`0x${digits}`)
  if (last === 16n ** BigInt(digits.length) - 1n) return sql`${column} >= ${from}`
  const next = (last + 1n).toString(16).padStart(digits.length, '0')
  const to = Buffer.from(even ? next : `${next}0`, 'hex')
  return sql`(${column} >= ${from} AND ${column} < ${to})`
}

/** Bounded in the number of its wildcards by the language. */
export function likeSql({ like }: Engine, column: Sql, pattern: Pattern): Sql {
  const text = pattern
    .map((piece) =>
      typeof piece === 'string' ? piece.replace(/[\\%_]/g, '\\$&') : piece.wildcard === 'many' ? '%' : '_',
    )
    .join('')
  return like(column, text)
}

function inSightings(engine: Engine, column: Sql, pattern: Pattern): Sql {
  return sql`EXISTS (
    SELECT 1 FROM (SELECT name, folder, owner, source FROM sightings WHERE sample_id = samples.id
      ORDER BY id DESC LIMIT ${MOST_SIGHTINGS}) AS seen
    WHERE ${likeSql(engine, column, pattern)})`
}

const textSql: Readonly<Record<TextField, (engine: Engine, pattern: Pattern) => Sql>> = {
  name: (engine, pattern) =>
    sql`(${likeSql(engine, sql`samples.name`, pattern)} OR ${inSightings(engine, sql`seen.name`, pattern)})`,
  latestname: (engine, pattern) => likeSql(engine, sql`samples.name`, pattern),
  folder: (engine, pattern) => inSightings(engine, sql`seen.folder`, pattern),
  owner: (engine, pattern) => inSightings(engine, sql`seen.owner`, pattern),
  source: (engine, pattern) => inSightings(engine, sql`seen.source`, pattern),
  sender: (engine, pattern) => sql`EXISTS (
    SELECT 1 FROM (SELECT user_id FROM sightings WHERE sample_id = samples.id
      ORDER BY id DESC LIMIT ${MOST_SIGHTINGS}) AS seen
    JOIN users ON users.id = seen.user_id WHERE ${likeSql(engine, sql`users.name`, pattern)})`,
  type: (engine, pattern) => typeSql(engine, sql`samples.file_type`, pattern),
  threat: (engine, pattern) => sql`(${likeSql(engine, sql`samples.threat_name`, pattern)} IS TRUE)`,
  tag: (engine, pattern) =>
    sql`EXISTS (SELECT 1 FROM tags WHERE tags.sample_id = samples.id AND ${tagSql(engine, pattern)})`,
  ruleset: (engine, pattern) => sql`EXISTS (
    SELECT 1 FROM matches JOIN rulesets ON rulesets.id = matches.ruleset_id
    WHERE matches.sample_id = samples.id AND rulesets.tenant_id IS NULL AND ${likeSql(engine, sql`rulesets.name`, pattern)})`,
  rule: (engine, pattern) => sql`EXISTS (
    SELECT 1 FROM matches JOIN rulesets ON rulesets.id = matches.ruleset_id
    WHERE matches.sample_id = samples.id AND rulesets.tenant_id IS NULL AND ${likeSql(engine, sql`matches.rule`, pattern)})`,
}

/** Without wildcards a tag is the one that was written, so that an index finds its samples. */
export function tagSql(engine: Engine, pattern: Pattern): Sql {
  const literal = literalOf(pattern)
  return literal === null ? likeSql(engine, sql`tags.tag`, pattern) : sql`tags.tag = ${literal}`
}

/** As an index can answer it: the whole value, or those that begin like the pattern, which is then compared. */
export function traitSql(engine: Engine, field: ProgramField, pattern: Pattern): Sql {
  const { traitValue } = engine
  const literal = literalOf(pattern)
  if (literal !== null) return sql`(program_traits.field = ${field} AND ${traitValue} = ${inSmallLetters(literal)})`
  const fits = sql`program_traits.field = ${field} AND ${likeSql(engine, sql`program_traits.value`, pattern)}`
  const start = inSmallLetters(startOf(pattern))
  if (start === '') return sql`(${fits})`
  return sql`(${fits} AND ${traitValue} >= ${start} AND ${traitValue} < ${`${start}${LAST_CHARACTER}`})`
}

/** What every text that fits the pattern begins with. */
export function startOf(pattern: Pattern): string {
  const end = pattern.findIndex((piece) => typeof piece !== 'string')
  return pattern.slice(0, end < 0 ? pattern.length : end).join('')
}

/** Of ASCII letters only, as everywhere else. */
export function inSmallLetters(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** No text goes on with it. */
const LAST_CHARACTER = '\u{10ffff}'

/** `PE` are programs of 32 and 64 bits, as everybody calls them; `PE32` and `PE32+` are one of the two. */
export const families: Readonly<Record<string, readonly string[]>> = {
  PE: ['PE', 'PE+'],
  PE32: ['PE'],
  'PE32+': ['PE+'],
}

/** The whole type, or its first parts; with wildcards, the whole type. */
export function typeSql(engine: Engine, column: Sql, pattern: Pattern): Sql {
  const literal = literalOf(pattern)
  if (literal === null) return likeSql(engine, column, pattern)
  const types = families[literal.toUpperCase()] ?? [literal]
  return sql`(${sql.join(
    types.flatMap((type) => [
      likeSql(engine, column, [type]),
      likeSql(engine, column, [`${type}/`, { wildcard: 'many' }]),
    ]),
    sql` OR `,
  )})`
}
