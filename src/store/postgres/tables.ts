/** The tables of PostgreSQL for whoever copies them all; see `../tables.ts`. */
import { sql } from 'kysely'
import type { Database } from '../sql/database.ts'
import { storable } from '../storable.ts'
import {
  type Cell,
  keyOf,
  MOVING,
  ownSettings,
  type Row,
  rowsOf,
  type TableColumn,
  type TableShape,
  type Tables,
} from '../tables.ts'
import { SCHEMA } from './connection.ts'

const arrays = {
  integer: sql`bigint[]`,
  real: sql`double precision[]`,
  text: sql`text[]`,
  bytes: sql`bytea[]`,
} as const satisfies Record<TableColumn['kind'], unknown>

/** Over a database that nobody else writes to. */
export function tablesOf(database: Database): Tables {
  const columnsOf = (table: TableShape) => sql.join(table.columns.map(({ name }) => sql.id(name)))
  return {
    async count({ name }) {
      const { rows } = await sql<{ n: number }>`
        SELECT count(*) AS n FROM ${sql.id(name)} WHERE ${whereOf(name)}`.execute(database)
      return rows[0]?.n ?? 0
    },

    async read(table, after) {
      const key = sql.join(table.key.map((name) => sql.id(name)))
      const behind = after === null ? sql`` : sql`AND (${key}) > (${sql.join(keyOf(table, after))})`
      const { rows } = await sql<Record<string, Cell>>`
        SELECT ${columnsOf(table)} FROM ${sql.id(table.name)} WHERE ${whereOf(table.name)} ${behind}
        ORDER BY ${key} LIMIT ${rowsOf(table)}`.execute(database)
      return rows.map((row) => table.columns.map(({ name }) => row[name] ?? null))
    },

    async add(table, rows, progress) {
      await database.transaction().execute(async (trx) => {
        if (rows.length > 0) {
          const lists = table.columns.map(({ kind }, n) => sql`${listOf(rows, n)}::${arrays[kind]}`)
          await sql`
            INSERT INTO ${sql.id(table.name)} (${columnsOf(table)}) SELECT * FROM unnest(${sql.join(lists)})`.execute(
            trx,
          )
        }
        await sql`
          INSERT INTO settings (key, value) VALUES (${MOVING}, ${progress})
          ON CONFLICT (key) DO UPDATE SET value = excluded.value`.execute(trx)
      })
    },

    async lastIds(tables) {
      const ids = new Map<string, number>()
      for (const { name, counts } of tables) {
        if (!counts) continue
        const { rows } = await sql<{ id: number }>`
          SELECT greatest(
            (SELECT coalesce(max(id), 0) FROM ${sql.id(name)}),
            coalesce(pg_sequence_last_value(pg_get_serial_sequence(${`${SCHEMA}.${name}`}, 'id')::regclass), 0)
          ) AS id`.execute(database)
        ids.set(name, rows[0]?.id ?? 0)
      }
      return ids
    },

    async setLastIds(ids) {
      for (const [name, id] of ids) {
        if (id < 1) continue
        await sql`SELECT setval(pg_get_serial_sequence(${`${SCHEMA}.${name}`}, 'id'), ${id}::bigint)`.execute(database)
      }
    },

    async counted() {
      const samples = await sql<Record<string, Cell>>`
        SELECT classification, state, sum(samples) AS samples, sum(bytes) AS bytes FROM sample_counts
        GROUP BY classification, state HAVING sum(samples) <> 0`.execute(database)
      const rulesets = await sql<Record<string, Cell>>`
        SELECT ruleset_id, classification, sum(matches) AS matches FROM ruleset_counts
        GROUP BY ruleset_id, classification HAVING sum(matches) <> 0`.execute(database)
      return [...samples.rows, ...rulesets.rows].map((row) => Object.values(row).join(' ')).sort()
    },

    async progress() {
      const { rows } = await sql<{ value: string }>`SELECT value FROM settings WHERE key = ${MOVING}`.execute(database)
      return rows[0]?.value ?? null
    },

    async end() {
      await sql`DELETE FROM settings WHERE key = ${MOVING}`.execute(database)
    },
  }
}

/** All rows but settings of this database alone. */
function whereOf(table: string) {
  return table === 'settings' ? sql`key NOT IN (${sql.join([...ownSettings])})` : sql`TRUE`
}

/** A column of some rows as the text of an array, since a driver writes lists of bytes in its own ways. */
function listOf(rows: readonly Row[], column: number): string {
  const cells = rows.map((row) => {
    const cell = row[column] ?? null
    if (cell === null) return 'NULL'
    if (typeof cell === 'number') return String(cell)
    const text = typeof cell === 'string' ? storable(cell) : `\\x${Buffer.from(cell).toString('hex')}`
    return `"${text.replace(/["\\]/g, '\\$&')}"`
  })
  return `{${cells.join(',')}}`
}
