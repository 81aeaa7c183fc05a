/**
 * Lists that the server walks through: an answer may be short, or empty, although there is more. A page here is full,
 * unless the list is over or the patience is.
 */
export interface Walked<Row, Next> {
  readonly rows: readonly Row[]
  /** Where the next page begins; null at the end of the list. */
  readonly next: Next | null
}

/** Looking through this many answers for one page is enough before what was found is shown. */
const PATIENCE = 12

/** Asks until `limit` rows are there, the list is over, or the patience (a number of answers) is. `ask` is given where to go on. */
export async function walk<Row, Next>(
  from: Next | null,
  limit: number,
  ask: (after: Next | null, limit: number) => Promise<Walked<Row, Next>>,
  patience = PATIENCE,
): Promise<Walked<Row, Next>> {
  const rows: Row[] = []
  let next = from
  for (let round = 0; round < patience; round++) {
    const answer = await ask(next, limit - rows.length)
    rows.push(...answer.rows)
    next = answer.next
    if (next === null || rows.length >= limit) break
  }
  return { rows, next }
}
