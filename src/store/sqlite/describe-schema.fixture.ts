import type { DatabaseSync } from 'node:sqlite'

/** The schema as SQL, in a stable order: what `schema.sql` holds. */
export function describeSchema(database: DatabaseSync): string {
  const rows = database
    .prepare(
      `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
       ORDER BY tbl_name, type = 'trigger', type = 'index', name`,
    )
    .all()
  return rows.map((row) => `${row.sql};\n`).join('\n')
}
