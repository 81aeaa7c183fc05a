/** The values of each key, in their order. */
export function listsOf<T>(entries: readonly (readonly [number, T])[]): Map<number, T[]> {
  const lists = new Map<number, T[]>()
  for (const [key, value] of entries) {
    const list = lists.get(key)
    if (list) list.push(value)
    else lists.set(key, [value])
  }
  return lists
}

/** The first one of each key: a statement may write a row only once. */
export function firstOfEach<T, Key>(all: readonly T[], keyOf: (one: T) => Key): T[] {
  const seen = new Set<Key>()
  return all.filter((one) => {
    const isFirst = !seen.has(keyOf(one))
    seen.add(keyOf(one))
    return isFirst
  })
}

/** The last one of each key. */
export function lastOfEach<T, Key>(all: readonly T[], keyOf: (one: T) => Key): T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()]
}

/** SQLite takes 32,766 parameters in a statement, PostgreSQL twice as many. */
const MOST_PARAMETERS = 30_000

/** The rows in parts, each few enough for one statement that gives `columns` parameters for each. */
export function* portionsOf<Row>(rows: readonly Row[], columns: number): Generator<readonly Row[]> {
  const atOnce = Math.floor(MOST_PARAMETERS / columns)
  for (let from = 0; from < rows.length; from += atOnce) yield rows.slice(from, from + atOnce)
}
