/** The tables of SQLite for whoever copies them all; see `../tables.ts`. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { storable } from '../storable.ts'
import {
  type Cell,
  keyOf,
  leftTables,
  MOVING,
  ownSettings,
  rowsOf,
  type TableColumn,
  type TableShape,
  type Tables,
} from '../tables.ts'

const kinds: Readonly<Record<string, TableColumn['kind']>> = {
  INTEGER: 'integer',
  REAL: 'real',
  TEXT: 'text',
  BLOB: 'bytes',
}

export interface SqliteTables extends Tables {
  /** Those that are referenced come before those that reference them. */
  readonly shapes: readonly TableShape[]
  close(): void
}

/** Opens a database of the newest schema, which nobody else writes to. */
export function openSqliteTables(path: string, { readOnly }: { readonly readOnly: boolean }): SqliteTables {
  const database = new DatabaseSync(path, { readOnly, timeout: 5_000, enableForeignKeyConstraints: true })
  const all = (sql: string, ...given: SQLInputValue[]) => database.prepare(sql).all(...given)
  const shapes = shapesOf(database)
  const quoted = (table: TableShape) => table.columns.map(({ name }) => quote(name)).join(', ')
  return {
    shapes,
    async count({ name }) {
      return Number(all(`SELECT count(*) AS n FROM ${quote(name)} WHERE ${whereOf(name)}`)[0]?.n)
    },

    async read(table, after) {
      const key = table.key.map(quote).join(', ')
      const behind = after === null ? '' : `AND (${key}) > (${table.key.map(() => '?').join(', ')})`
      const rows = all(
        `SELECT ${quoted(table)} FROM ${quote(table.name)} WHERE ${whereOf(table.name)} ${behind} ORDER BY ${key} LIMIT ?`,
        ...((after === null ? [] : keyOf(table, after)) as SQLInputValue[]),
        rowsOf(table),
      )
      return rows.map((row) => table.columns.map(({ name }) => cellOf(row[name] as Cell)))
    },

    async add(table, rows, progress) {
      const insert = database.prepare(
        `INSERT INTO ${quote(table.name)} (${quoted(table)}) VALUES (${table.columns.map(() => '?').join(', ')})`,
      )
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const row of rows) insert.run(...(row as SQLInputValue[]))
        database.prepare('INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)').run(MOVING, progress)
        database.exec('COMMIT')
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },

    async lastIds(tables) {
      const given = new Map(all('SELECT name, seq FROM sqlite_sequence').map(({ name, seq }) => [name, Number(seq)]))
      return new Map(
        tables
          .filter(({ counts }) => counts)
          .map(({ name }) => [
            name,
            Math.max(given.get(name) ?? 0, Number(all(`SELECT max(id) AS id FROM ${quote(name)}`)[0]?.id ?? 0)),
          ]),
      )
    },

    async setLastIds(ids) {
      const automatic = new Set(
        all("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'").map(
          ({ name }) => name,
        ),
      )
      for (const [name, id] of ids) {
        if (!automatic.has(name)) continue
        database.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(name)
        database.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(name, id)
      }
    },

    async counted() {
      const samples = all('SELECT classification, state, samples, bytes FROM sample_counts WHERE samples <> 0')
      const rulesets = all('SELECT ruleset_id, classification, matches FROM ruleset_counts WHERE matches <> 0')
      return [...samples, ...rulesets].map((row) => Object.values(row).join(' ')).sort()
    },

    async progress() {
      return (all('SELECT value FROM settings WHERE key = ?', MOVING)[0]?.value as string | undefined) ?? null
    },

    async end() {
      database.prepare('DELETE FROM settings WHERE key = ?').run(MOVING)
    },

    close: () => database.close(),
  }
}

function shapesOf(database: DatabaseSync): TableShape[] {
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !leftTables.includes(name))
  const referenced = new Map(
    names.map((name) => [
      name,
      database
        .prepare('SELECT DISTINCT "table" AS other FROM pragma_foreign_key_list(?)')
        .all(name)
        .map(({ other }) => String(other))
        .filter((other) => other !== name),
    ]),
  )
  const ordered: string[] = []
  const visit = (name: string) => {
    if (ordered.includes(name)) return
    for (const other of referenced.get(name) ?? []) visit(other)
    ordered.push(name)
  }
  names.forEach(visit)
  return ordered.map((name) => shapeOf(database, name))
}

function shapeOf(database: DatabaseSync, name: string): TableShape {
  const all = database.prepare('SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid').all(name)
  // No query names it: it is what earlier versions wrote.
  const rows = all.filter((column) => !(name === 'samples' && column.name === 'intake'))
  const key = rows.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk))
  return {
    name,
    columns: rows.map((column) => ({ name: String(column.name), kind: kinds[String(column.type)] ?? 'text' })),
    key: key.map((column) => String(column.name)),
    counts: key.length === 1 && key[0]?.name === 'id',
  }
}

export function quote(name: string): string {
  return `"${name}"`
}

/** All rows but settings of this database alone. */
export function whereOf(table: string): string {
  if (table !== 'settings') return 'TRUE'
  return `key NOT IN (${ownSettings.map((key) => `'${key}'`).join(', ')})`
}

function cellOf(cell: Cell): Cell {
  return typeof cell === 'string' ? storable(cell) : cell
}
