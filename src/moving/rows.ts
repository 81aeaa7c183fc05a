/** Rows of all tables from one database into another, and whether they are the same afterwards. */
import { Failure } from '../errors/index.ts'
import { keyOf, type Row, RowsDigest, type TableShape, type Tables } from '../store/index.ts'
import type { MoveOptions, Stage } from './move.ts'

/** What of a row goes into the target; null for nothing. */
export type Change = (table: TableShape, row: Row) => Row | null

interface Copying {
  readonly shapes: readonly TableShape[]
  readonly from: Tables
  readonly to: Tables
  readonly change: Change
  readonly options: MoveOptions
}

/** Goes on behind `stage`. Gives the number of rows of the source. */
export async function copyRows({ shapes, from, to, change, options }: Copying, stage: Stage): Promise<number> {
  const counts = new Map<string, number>()
  for (const shape of shapes) counts.set(shape.name, await from.count(shape))
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  let done = 0
  let isReached = stage.table === null
  for (const table of shapes) {
    let after: Row | null = null
    if (!isReached && table.name === stage.table) {
      isReached = true
      if (stage.after !== null) after = rowWithKey(table, stage.after)
    }
    for (; isReached; ) {
      options.signal.throwIfAborted()
      const rows: Row[] = await from.read(table, after)
      const last = rows.at(-1)
      if (last === undefined) break
      after = last
      const changed = rows.map((row) => change(table, row)).filter((row) => row !== null)
      await to.add(table, changed, JSON.stringify({ ...stage, table: table.name, after: keyOf(table, last) }))
      done += rows.length
      options.onProgress({ phase: 'rows', done, total })
    }
    if (!isReached) done += counts.get(table.name) ?? 0
  }
  await to.setLastIds(await from.lastIds(shapes))
  return total
}

/** Throws `move.incomplete` where the target has not what the source has. */
export async function compareRows({ shapes, from, to, change, options }: Copying, rows: number): Promise<void> {
  const problems: string[] = []
  let done = 0
  const total = 2 * rows
  const digestOf = async (tables: Tables, table: TableShape, change: Change | null) => {
    const digest = new RowsDigest()
    let count = 0
    for (let after: Row | null = null; ; ) {
      options.signal.throwIfAborted()
      const some: Row[] = await tables.read(table, after)
      const last = some.at(-1)
      if (last === undefined) return `${count} rows, ${digest.hex}`
      after = last
      for (const row of some) {
        const changed = change === null ? row : change(table, row)
        if (changed === null) continue
        digest.add(changed)
        count++
      }
      done += some.length
      options.onProgress({ phase: 'comparison', done: Math.min(done, total), total })
    }
  }
  for (const table of shapes) {
    const [there, here] = [await digestOf(from, table, change), await digestOf(to, table, null)]
    if (there !== here) problems.push(`table ${table.name}: ${there} in the source, ${here} in the target`)
  }
  const [counted, expected] = [await to.counted(), await from.counted()]
  if (counted.join('\n') !== expected.join('\n'))
    problems.push('the counts of samples and matches are others than in the source')
  if (problems.length === 0) return
  throw new Failure(
    'move.incomplete',
    'The target has not the rows of the source. Empty it, and move again; if that happens again, it is a defect.',
    { problems },
  )
}

/** All rows, but segments that are damaged: their samples are in none. `nameOf` gives the names of the others. */
export function leavingOut(dropped: readonly number[], nameOf: (file: string) => string = (file) => file): Change {
  const gone = new Set<unknown>(dropped)
  return (table, row) => {
    const at = (name: string) => table.columns.findIndex((column) => column.name === name)
    if (table.name === 'segments') {
      return gone.has(row[at('id')]) ? null : row.with(at('file'), nameOf(String(row[at('file')])))
    }
    if (table.name === 'samples' && gone.has(row[at('segment_id')])) return row.with(at('segment_id'), null)
    return row
  }
}

/** A row of which only the key counts. */
function rowWithKey(table: TableShape, key: readonly (null | number | string)[]): Row {
  return table.columns.map(({ name }) => key[table.key.indexOf(name)] ?? null)
}
