/**
 * Request bodies. Whatever the content type, a form arrives at a route as one object of text values, repeated names as
 * arrays: urlencoded, multipart and JSON are three ways to say the same. Text that is not UTF-8 is refused rather than
 * mended, since a mended ruleset is another ruleset.
 *
 * The urlencoded parser is our own because the usual ones mend, and because clients put rules into bodies unescaped: a
 * percent sign that starts no escape stands for itself.
 */
import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Failure } from '../errors/index.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the parts of a multipart body itself. */
    readonly streamsBody?: boolean
  }
}

type Form = Record<string, string | string[]>

/** How long the values of one form may be together; a form field larger than this is refused with 413. */
export const FORM_BYTES = 32 * 1024 * 1024
const FORM_FIELDS = 20_000

export function addBodyParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: FORM_BYTES },
    (request, body: Buffer, done) => {
      // Clients announce JSON on requests that have no body.
      if (body.length === 0) return done(null, undefined)
      try {
        parseJson(request, decodeUtf8(body), done)
      } catch (error) {
        done(error as Error)
      }
    },
  )
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: FORM_BYTES },
    async (_request: FastifyRequest, body: Buffer) => parseUrlencoded(body),
  )
  app.register(multipart, {
    limits: { fieldSize: FORM_BYTES, fileSize: FORM_BYTES, fields: FORM_FIELDS, parts: FORM_FIELDS },
  })
  app.addHook('preValidation', async (request) => {
    if (request.isMultipart() && !request.routeOptions.config.streamsBody) request.body = await readMultipart(request)
  })
}

/** Fields of a multipart form; a part that is a file counts as a field with the file's text. */
async function readMultipart(request: FastifyRequest): Promise<Form> {
  const form: Form = Object.create(null)
  let left = FORM_BYTES
  for await (const part of request.parts()) {
    const value = part.type === 'file' ? decodeUtf8(await part.toBuffer()) : fieldText(part)
    left -= value.length
    if (left < 0) throw new Failure('request.too-large')
    add(form, part.fieldname, value)
  }
  return form
}

/** The text of a multipart field that was not cut off at the limit. */
export function fieldText(field: { readonly value: unknown; readonly valueTruncated: boolean }): string {
  if (field.valueTruncated) throw new Failure('request.too-large')
  const text = typeof field.value === 'string' ? field.value : JSON.stringify(field.value)
  // The multipart parser replaces bytes that are no UTF-8 by this character.
  if (text.includes('\uFFFD')) throw notUtf8()
  return text
}

export function parseUrlencoded(body: Buffer): Form {
  const form: Form = Object.create(null)
  let fields = 0
  for (let from = 0; from <= body.length; ) {
    const ampersand = body.indexOf(0x26, from)
    const to = ampersand < 0 ? body.length : ampersand
    if (to > from) {
      if (++fields > FORM_FIELDS) throw new Failure('request.too-large')
      const equals = body.subarray(from, to).indexOf(0x3d)
      const split = equals < 0 ? to : from + equals
      add(form, decodeUtf8(unescapePercent(body, from, split)), decodeUtf8(unescapePercent(body, split + 1, to)))
    }
    from = to + 1
  }
  return form
}

/** The bytes of `body` from `from` to `to` with `+` as blank and `%hh` as the byte. */
function unescapePercent(body: Buffer, from: number, to: number): Uint8Array {
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

function add(form: Form, name: string, value: string): void {
  const earlier = form[name]
  if (earlier === undefined) form[name] = value
  else if (Array.isArray(earlier)) earlier.push(value)
  else form[name] = [earlier, value]
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw notUtf8()
  }
}

function notUtf8(): Failure {
  return new Failure('request.malformed', 'The request could not be understood: its text is not UTF-8.')
}
