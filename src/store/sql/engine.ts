import type { RawBuilder } from 'kysely'

/** How a value of a row is taken out of JSON. A flag is true or false there, and is for conditions alone. */
export type ValueKind = 'integer' | 'text' | 'flag'

/** Of the last times that a sample was seen: some contents are in every folder of every machine. */
export const MOST_SIGHTINGS = 1_024

/**
 * What the two databases say in different words; everything else in this folder is understood by both, and means the
 * same: texts are compared by their bytes, and where case does not matter it is that of ASCII letters.
 *
 * Lists and rows travel as one parameter each. So the text of a statement, and with it the prepared statement, is the
 * same for all lengths, and no limit on the number of parameters is met.
 */
export interface Engine {
  /** The right side of an `in`, or a table with the column `value`. */
  listOf(values: readonly number[]): RawBuilder<number>
  textsOf(values: readonly string[]): RawBuilder<string>
  /** Of bytes, given by their hexadecimal digits. */
  bytesOf(digits: readonly string[]): RawBuilder<Uint8Array>
  /** A table of rows with these columns. What is undefined or null is null. */
  rowsOf<Row extends object>(
    rows: readonly Row[],
    columns: Readonly<Partial<Record<Extract<keyof Row, string>, ValueKind>>>,
  ): RawBuilder<unknown>

  /** `CROSS JOIN` where that makes the database read the tables in the order in which they are written. */
  readonly joinInOrder: RawBuilder<unknown>
  /** Joins the sightings of each `asked.value`, the newest ones up to a number, such as MOST_SIGHTINGS. */
  joinNewestSightings(most: number): RawBuilder<unknown>
  /** The table of samples, for a statement that is to count the entries of an index and not the rows. */
  readonly samplesByListing: RawBuilder<unknown>

  /** At the end of a query that chooses rows to change: those that others are changing are left out. */
  readonly skipLocked: RawBuilder<unknown>
  /** A table with the column `value`: the ids of the nodes that hold their locks. */
  readonly nodeLocks: RawBuilder<unknown>

  /** `LIKE` with the escape character `\`, whatever the case of letters. */
  like(text: RawBuilder<unknown>, pattern: string): RawBuilder<boolean>
  /** Whether a text has another one in it, whatever the case of letters. */
  contains(text: RawBuilder<unknown>, part: string): RawBuilder<boolean>
  /** The value of a trait as its index has it: to be compared with texts in small letters. */
  readonly traitValue: RawBuilder<string>

  /** The JSON text of an object. */
  jsonObject(values: Readonly<Record<string, RawBuilder<unknown>>>): RawBuilder<string>
  /** The JSON text of a list of the ids that a query gives, in its order. */
  jsonIds(query: RawBuilder<unknown>): RawBuilder<string>
  /** How long the list in a JSON text is. */
  jsonLength(json: RawBuilder<unknown>): RawBuilder<number>
  /** A table with the column `value`: the texts in a list in a JSON text. */
  jsonTexts(json: RawBuilder<unknown>): RawBuilder<unknown>
}
