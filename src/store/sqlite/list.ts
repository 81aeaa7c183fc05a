import { type RawBuilder, sql } from 'kysely'

/**
 * The right side of an `in` for a list of any length. It travels as one parameter, so the statement's text, and with
 * it the prepared statement, is the same for all lengths, and no limit on parameters is met.
 */
export function listOf<T extends number | string>(values: readonly T[]): RawBuilder<T> {
  return sql<T>`(SELECT value FROM json_each(${JSON.stringify(values)}))`
}

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
