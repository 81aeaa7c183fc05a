/**
 * From the bytes of a body to its values. Text that is not UTF-8 is refused rather than mended, since a mended ruleset is
 * another ruleset.
 *
 * The urlencoded parser is our own because the usual ones mend, and because clients put rules into bodies unescaped: a
 * percent sign that starts no escape stands for itself.
 */
import { parse } from 'secure-json-parse'
import { Failure } from '../errors/index.ts'
import { refuseHeavyJson } from './body-bounds.ts'

/** Values of a form; a name that comes again has a list. */
export type Form = Record<string, string | string[]>

/** What a body may be besides multipart. */
export type BodyKind = 'json' | 'urlencoded'

export const FORM_FIELDS = 20_000

/** Fails with `request.malformed`, `request.too-large`. */
export function parseBody(kind: BodyKind, body: Uint8Array): unknown {
  return kind === 'json' ? parseJson(body) : parseUrlencoded(body)
}

function parseJson(body: Uint8Array): unknown {
  refuseHeavyJson(body)
  const text = decodeUtf8(body)
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' })
  } catch {
    throw new Failure('request.malformed')
  }
}

export function parseUrlencoded(body: Uint8Array): Form {
  const form: Form = Object.create(null)
  let fields = 0
  for (let from = 0; from <= body.length; ) {
    const ampersand = body.indexOf(0x26, from)
    const to = ampersand < 0 ? body.length : ampersand
    if (to > from) {
      if (++fields > FORM_FIELDS) throw new Failure('request.too-large')
      const equals = body.subarray(from, to).indexOf(0x3d)
      const split = equals < 0 ? to : from + equals
      addTo(form, decodeUtf8(unescapePercent(body, from, split)), decodeUtf8(unescapePercent(body, split + 1, to)))
    }
    from = to + 1
  }
  return form
}

/** The bytes of `body` from `from` to `to` with `+` as blank and `%hh` as the byte. */
function unescapePercent(body: Uint8Array, from: number, to: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(Math.max(0, to - from))
  let length = 0
  for (let at = from; at < to; at++) {
    let byte = body[at] ?? 0
    if (byte === 0x2b) byte = 0x20
    else if (byte === 0x25 && at + 2 < to) {
      const high = hexDigit(body[at + 1])
      const low = hexDigit(body[at + 2])
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low
        at += 2
      }
    }
    bytes[length++] = byte
  }
  return bytes.subarray(0, length)
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

export function addTo(form: Form, name: string, value: string): void {
  const earlier = form[name]
  if (earlier === undefined) form[name] = value
  else if (Array.isArray(earlier)) earlier.push(value)
  else form[name] = [earlier, value]
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw notUtf8()
  }
}

function notUtf8(): Failure {
  return new Failure('request.malformed', 'The request could not be understood: its text is not UTF-8.')
}
