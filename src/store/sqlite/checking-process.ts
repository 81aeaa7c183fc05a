/** The process of `checking.ts`: checks one database file, reports what it found, and ends. */
import { setPriority } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { type CheckDepth, problemsOf } from './soundness.ts'

const [path = '', depth] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
// Ctrl-C in a terminal reaches the whole group; whoever started the check ends it.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
setPriority(10)

let problems: string[]
try {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  problems = problemsOf(database, depth as CheckDepth)
  database.close()
} catch (error) {
  problems = [error instanceof Error ? error.message : String(error)]
}
process.send?.(problems, () => process.exit(0))
