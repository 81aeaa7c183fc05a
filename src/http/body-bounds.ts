/**
 * How much of a body a route reads, and how much structure JSON may have.
 *
 * A body is bounded before it is parsed: parsing happens on the thread that answers everybody. A route that says nothing
 * takes `SMALL_BODY`, so no route can forget its bound; one that needs more says so with Fastify's `bodyLimit`. Bytes
 * alone are no bound for JSON: two million brackets are two megabytes, and cost far more than a text of that length. So
 * the structure is counted first, in one pass over the bytes that allocates nothing.
 */
import { Failure } from '../errors/index.ts'

/** Of names, passwords, flags, operations. */
export const SMALL_BODY = 16 * 1024
/** Of a query: 8,000 characters, also when every one of them is escaped. */
export const QUERY_BODY = 64 * 1024
/** Of lists: 10,000 hashes with their quotes or field names, in any of the three content types. */
export const LIST_BODY = 4 * 1024 * 1024
/** Of many small files: they are in memory until all of them are here. */
export const FILES_BODY = 4 * 1024 * 1024
/** Of YARA texts. */
export const TEXT_BODY = 32 * 1024 * 1024

/** Of a text that an appliance publishes: what a user may send, as JSON, where some characters are escaped. */
export const SHARED_TEXT_BODY = 2 * TEXT_BODY

/** Of the YARA text of a tenant, 1 MB, also when every byte of it is escaped. */
export const TENANT_TEXT_BODY = 7 * 1024 * 1024

/** The deepest body that a route reads has five levels. */
const MOST_LEVELS = 32
/** A hunt over 100,000 hashes with 10,000 texts, or 10,000 hashes to be tagged, and room. */
const MOST_VALUES = 150_000
/** A hunt with 10,000 texts has two names for each. */
const MOST_NAMES = 25_000

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Fails with `request.too-large` for JSON with more levels, values or names than any route reads. */
export function refuseHeavyJson(json: Uint8Array): void {
  let levels = 0
  let values = 0
  let names = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) {
      at = endOfString(json, at + 1)
    } else if (byte === COMMA) {
      if (++values > MOST_VALUES) throw tooMuch(`more than ${MOST_VALUES} values`)
    } else if (byte === COLON) {
      if (++names > MOST_NAMES) throw tooMuch(`more than ${MOST_NAMES} names`)
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++levels > MOST_LEVELS) throw tooMuch(`more than ${MOST_LEVELS} levels`)
      if (++values > MOST_VALUES) throw tooMuch(`more than ${MOST_VALUES} values`)
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      levels--
    }
  }
}

/** Where the quote stands that closes the string; the end of the bytes when none does. */
function endOfString(json: Uint8Array, from: number): number {
  let at = from
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at
}

function tooMuch(what: string): Failure {
  return new Failure('request.too-large', `The request is larger than this appliance accepts: its JSON has ${what}.`)
}
