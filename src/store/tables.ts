/**
 * All tables as they are, for whoever copies a whole database into one of another kind. Both kinds have the same tables and
 * columns; what they are is read from SQLite, which one of the two always is.
 */
import { createHash } from 'node:crypto'

export interface TableShape {
  readonly name: string
  readonly columns: readonly TableColumn[]
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[]
  /** The column `id` is counted by the database, which never gives one twice. */
  readonly counts: boolean
}

export interface TableColumn {
  readonly name: string
  readonly kind: 'integer' | 'real' | 'text' | 'bytes'
}

export type Cell = null | number | string | Uint8Array
/** In the order of the columns. */
export type Row = readonly Cell[]

/** One database. Texts are as PostgreSQL can keep them: without the character 0 and halves of characters. */
export interface Tables {
  /** Rows of a table. */
  count(table: TableShape): Promise<number>
  /** Some rows behind one, by the key; none at the end. */
  read(table: TableShape, after: Row | null): Promise<Row[]>
  /** Adds rows, and writes down how far the copy is, in one transaction. */
  add(table: TableShape, rows: readonly Row[], progress: string): Promise<void>
  /** The largest id that was ever given, by table. */
  lastIds(tables: readonly TableShape[]): Promise<Map<string, number>>
  setLastIds(ids: ReadonlyMap<string, number>): Promise<void>
  /** What triggers count, a line each, sorted: it is not copied, and has to come out the same. */
  counted(): Promise<string[]>
  /** How far a copy into this database is; null for none. */
  progress(): Promise<string | null>
  /** The copy has come to its end. */
  end(): Promise<void>
}

/** What triggers fill, and what is of the processes of one database: hunts that are under way make their parts anew. */
export const leftTables: readonly string[] = [
  ...['sample_counts', 'ruleset_counts'],
  ...['servers', 'nodes', 'hunt_part_rules', 'hunt_parts', 'segment_readers'],
]

/** Of the settings: how far a copy into the database is. A server does not start while it is there. */
export const MOVING = 'moving'
/** Of the settings, what belongs to one database alone: among it, the last move that came to its end here. */
export const MOVED = 'moved'
export const ownSettings: readonly string[] = [MOVING, MOVED, 'cluster-id', 'server-term']

/** Rows that are read at a time; some may have megabytes. */
const rowsOfHeavy: Readonly<Record<string, number>> = { revisions: 8, hunt_texts: 4, shared_texts: 8, programs: 200 }
export const rowsOf = ({ name }: TableShape): number => rowsOfHeavy[name] ?? 1_000

export function keyOf(table: TableShape, row: Row): Cell[] {
  return table.key.map((name) => row[table.columns.findIndex((column) => column.name === name)] ?? null)
}

/** A digest of rows that does not depend on their order: the sum of their SHA-256. */
export class RowsDigest {
  readonly #sum = new BigUint64Array(4)

  add(row: Row): void {
    const hash = createHash('sha256')
    for (const cell of row) {
      if (cell === null) hash.update('n')
      else if (typeof cell === 'number') hash.update(`i${cell};`)
      else if (typeof cell === 'string') hash.update(`t${cell.length};`).update(cell)
      else hash.update(`b${cell.length};`).update(cell)
    }
    const words = new BigUint64Array(Uint8Array.from(hash.digest()).buffer)
    for (const [n, word] of words.entries()) this.#sum[n] = (this.#sum[n] as bigint) + word
  }

  get hex(): string {
    return Buffer.from(this.#sum.buffer).toString('hex')
  }
}
