/** What is downloaded line by line: entries that are read while they are sent. `toJson` makes the shape of the wire of one. */
import { csvLine } from './csv.ts'

type Value = string | number | boolean | readonly string[] | null
type Entries<Entry> = AsyncIterable<Entry> | Iterable<Entry>

/** The names of the columns, and then a line for each entry. */
export async function* csvLines<Entry, Column extends string>(
  entries: Entries<Entry>,
  columns: readonly Column[],
  toJson: (entry: Entry) => Readonly<Record<NoInfer<Column>, Value>>,
): AsyncGenerator<string> {
  yield csvLine(columns)
  for await (const entry of entries) {
    const json = toJson(entry)
    yield csvLine(columns.map((column) => json[column]))
  }
}

export async function* jsonLines<Entry>(
  entries: Entries<Entry>,
  toJson: (entry: Entry) => unknown,
): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(toJson(entry))}\n`
}

/** Each sample once, by the hash that `hashOf` gives of an entry. */
export async function* hashLines<Entry>(
  entries: Entries<Entry>,
  hashOf: (entry: Entry) => string,
): AsyncGenerator<string> {
  const listed = new Set<string>()
  for await (const entry of entries) {
    const hash = hashOf(entry)
    if (listed.has(hash)) continue
    listed.add(hash)
    yield `${hash}\n`
  }
}
