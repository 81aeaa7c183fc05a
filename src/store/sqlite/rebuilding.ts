/**
 * Makes a database anew from its tables, where only indices are damaged, or the log. REINDEX would have to read the
 * damaged trees to free their pages. All rows are copied into a new file with the schema of this program, the copy is
 * checked, and only then does it take the place of the damaged file, which stays beside it with its log.
 */
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { migrate, readMigrations } from './migrate.ts'
import { lostRows, problemsOf, quoted } from './soundness.ts'

export type Rebuilt =
  /** `kept`: where the damaged file is now. */
  | { readonly kept: string; readonly impossible?: undefined }
  | { readonly kept?: undefined; readonly impossible: string }

/** The database must be closed, and nobody may open it meanwhile. Nothing is changed where it is impossible. */
export function rebuildDatabase(path: string): Rebuilt {
  const fresh = `${path}.rebuilding`
  for (const rest of ['', '-journal', '-wal', '-shm']) rmSync(`${fresh}${rest}`, { force: true })
  const kept = `${path}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`
  const restoreLog = () => existsSync(`${kept}-wal`) && renameSync(`${kept}-wal`, `${path}-wal`)
  try {
    const lost = whatIsLost(path)
    if (lost !== null) return { impossible: lost }
    // Copying brings what can be read of the log into the database, and removes the log.
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${kept}-wal`)
    const reason = copyTables(path, fresh)
    if (reason !== null) {
      restoreLog()
      return { impossible: reason }
    }
    for (const rest of ['-wal', '-shm']) rmSync(`${path}${rest}`, { force: true })
    renameSync(path, kept)
    renameSync(fresh, path)
    return { kept }
  } catch (error) {
    restoreLog()
    return { impossible: error instanceof Error ? error.message : String(error) }
  } finally {
    for (const rest of ['', '-journal', '-wal', '-shm']) rmSync(`${fresh}${rest}`, { force: true })
  }
}

/** Why the tables do not have all that they had; null where they have. Changes nothing. */
function whatIsLost(path: string): string | null {
  const source = new DatabaseSync(path, { timeout: 5_000, readOnly: true })
  try {
    return brokenTables(source) ?? lostRows(source)
  } finally {
    source.close()
  }
}

/** What is wrong with the copy; null for nothing. */
function copyTables(from: string, to: string): string | null {
  const source = new DatabaseSync(from, { timeout: 5_000 })
  try {
    // What is in the log is brought into the file, so that nothing depends on the log any more.
    source.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    source.close()
  }
  const target = new DatabaseSync(to, { enableForeignKeyConstraints: false })
  try {
    migrate(target, readMigrations())
    target.prepare('ATTACH ? AS damaged').run(from)
    const triggers = target.prepare("SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger'").all()
    target.exec('PRAGMA synchronous = FULL; BEGIN')
    // The counts that they keep are copied with the tables.
    for (const { name } of triggers) target.exec(`DROP TRIGGER ${quoted(String(name))}`)
    // `sqlite_sequence` is the last: each copied row changes it.
    const tables = target.prepare(
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name LIKE 'sqlite_%'",
    )
    for (const { name } of tables.all()) {
      const table = quoted(String(name))
      if (String(name).startsWith('sqlite_') && name !== 'sqlite_sequence') continue
      if (target.prepare('SELECT 1 FROM damaged.sqlite_schema WHERE name = ?').get(String(name)) === undefined) continue
      const columns = target
        .prepare(`SELECT name FROM damaged.pragma_table_info(?) INTERSECT SELECT name FROM main.pragma_table_info(?)`)
        .all(String(name), String(name))
        .map((column) => quoted(String(column.name)))
        .join(', ')
      target.exec(`DELETE FROM main.${table}`)
      target.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM damaged.${table} NOT INDEXED`)
    }
    for (const { sql } of triggers) target.exec(String(sql))
    target.exec('COMMIT')
    target.exec('DETACH damaged')
    const [problem] = problemsOf(target, 'full')
    return problem ?? null
  } finally {
    target.close()
  }
}

/** Names what is broken besides indices; null where nothing is. */
function brokenTables(database: DatabaseSync): string | null {
  const roots = new Map(
    database
      .prepare('SELECT type, name, rootpage FROM sqlite_schema WHERE rootpage > 0')
      .all()
      .map(({ type, name, rootpage }) => [Number(rootpage), { type: String(type), name: String(name) }]),
  )
  const problems = database
    .prepare('PRAGMA quick_check(1000)')
    .all()
    .flatMap((row) => String(Object.values(row)[0]).split('\n'))
  const unplaced: string[] = []
  for (const problem of problems) {
    // Pages of a broken index that nothing leads to any more, and entries that do not fit the rows.
    if (problem === 'ok' || problem.startsWith('*** in database')) continue
    if (
      /^Page \d+: never used|^wrong # of entries in index|^row \d+ missing from index|^non-unique entry/.test(problem)
    )
      continue
    const [, page] = /(?:^Tree|on page) (\d+)/.exec(problem) ?? []
    if (page !== undefined && roots.get(Number(page))?.type === 'index') continue
    unplaced.push(problem)
  }
  if (unplaced.length === 0) return null
  // Below the roots SQLite does not say whose page it is. A table that has an index of all its rows shows what it lost
  // (`lostRows`); one without such an index must be sound by itself.
  for (const { type, name } of roots.values()) {
    if (type !== 'table' || name.startsWith('sqlite_')) continue
    const isSound = database.prepare(`PRAGMA quick_check(${quoted(name)})`).get()?.quick_check === 'ok'
    if (isSound) continue
    if (!hasWholeIndex(database, name)) return `${name}: ${unplaced[0]}`
    // Throws where a page of it cannot be read.
    database.prepare(`SELECT count(*), ${sumOfLengths(database, name)} FROM ${quoted(name)} NOT INDEXED`).get()
  }
  return null
}

function hasWholeIndex(database: DatabaseSync, table: string): boolean {
  return database
    .prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL")
    .all(table)
    .some(({ sql }) => !/\bWHERE\b/i.test(String(sql)))
}

function sumOfLengths(database: DatabaseSync, table: string): string {
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(table)
  return columns.map(({ name }) => `sum(length(${quoted(String(name))}))`).join(', ')
}
