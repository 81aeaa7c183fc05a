/**
 * Damage to the database itself: pages that were overwritten or cut off, and files of different instants that were copied
 * beside each other. SQLite answers from such a database as long as it can, so a hunt would find less and nobody would
 * know. It is looked for at each start, and wholly on request.
 *
 * `quick` reads every page once: is each a page, is each in one tree, do full indices have as many entries as their table
 * has rows. It leaves out partial indices, which are counted here. `full` also looks every row up in every index, and
 * every reference in its table; that takes ten times as long.
 */
import type { DatabaseSync } from 'node:sqlite'

export type CheckDepth = 'quick' | 'full'

/** Problems that are listed; there may be more. */
const MOST_PROBLEMS = 20

/** What is wrong with the database, in SQLite's words; empty for a sound one. */
export function problemsOf(database: DatabaseSync, depth: CheckDepth): string[] {
  try {
    const pragma = depth === 'full' ? 'integrity_check' : 'quick_check'
    const found = database
      .prepare(`PRAGMA ${pragma}(${MOST_PROBLEMS})`)
      .all()
      .flatMap((row) => String(Object.values(row)[0]).split('\n'))
      .filter((line) => line !== 'ok' && !line.startsWith('*** in database'))
    // With broken pages the rest would only fail on them.
    if (found.length > 0) return found
    if (depth === 'quick') return unevenPartialIndices(database)
    return database
      .prepare('PRAGMA foreign_key_check')
      .all()
      .slice(0, MOST_PROBLEMS)
      .map((row) => `row ${row.rowid} of ${row.table} names a row of ${row.parent} that is not there`)
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

interface IndexRow {
  readonly name: string
  readonly table: string
  readonly condition: string | null
}

function indicesOf(database: DatabaseSync): IndexRow[] {
  return database
    .prepare("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .all()
    .map(({ name, tbl_name, sql }) => ({
      name: String(name),
      table: String(tbl_name),
      condition: /\bWHERE\b([\s\S]*)$/i.exec(String(sql))?.[1] ?? null,
    }))
}

function unevenPartialIndices(database: DatabaseSync): string[] {
  const byTable = Map.groupBy(
    indicesOf(database).filter(({ condition }) => condition !== null),
    ({ table }) => table,
  )
  return [...byTable].flatMap(([table, indices]) => {
    const rows = indices.map(({ condition }, n) => `count(*) FILTER (WHERE ${condition}) AS n${n}`)
    const counted = database.prepare(`SELECT ${rows.join(', ')} FROM ${quoted(table)} NOT INDEXED`).get()
    return indices.flatMap(({ name, condition }, n) => {
      const { entries } = database
        .prepare(`SELECT count(*) AS entries FROM ${quoted(table)} INDEXED BY ${quoted(name)} WHERE ${condition}`)
        .get() as { entries: number }
      return entries === counted?.[`n${n}`] ? [] : [`wrong # of entries in index ${name}`]
    })
  })
}

/**
 * Why the tables do not have all their rows; null where they have. Indices know how many rows there were: where one that
 * holds every row has more entries than its table, rows are lost.
 */
export function lostRows(database: DatabaseSync): string | null {
  for (const { name, table, condition } of indicesOf(database)) {
    if (condition !== null) continue
    const { rows } = database.prepare(`SELECT count(*) AS rows FROM ${quoted(table)} NOT INDEXED`).get() as {
      rows: number
    }
    const entries = countedEntries(database, table, name)
    if (entries !== null && entries > rows) return `${table} has ${rows} rows, and its index ${name} knew ${entries}`
  }
  return null
}

/** Null where the index cannot be read to its end. */
function countedEntries(database: DatabaseSync, table: string, index: string): number | null {
  try {
    const row = database.prepare(`SELECT count(*) AS n FROM ${quoted(table)} INDEXED BY ${quoted(index)}`).get()
    return Number(row?.n)
  } catch {
    return null
  }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
