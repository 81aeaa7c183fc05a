/**
 * Request bodies. Whatever the content type, a form arrives at a route as one object of text values, repeated names as
 * arrays: urlencoded, multipart and JSON are three ways to say the same. Text that is not UTF-8 is refused rather than
 * mended, since a mended ruleset is another ruleset.
 *
 * The urlencoded parser is our own because the usual ones mend, and because clients put rules into bodies unescaped: a
 * percent sign that starts no escape stands for itself.
 */
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Failure } from '../errors/index.ts'
import { refuseHeavyJson } from './body-bounds.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the parts of a multipart body itself. */
    readonly streamsBody?: boolean
  }
}

type Form = Record<string, string | string[]>

const FORM_FIELDS = 20_000
const LARGE_BODY = 1024 * 1024
/** What a part of a multipart form takes besides its name and its value, at least. */
const PART_FRAME_BYTES = 50
/** A boundary has up to 70 characters (RFC 2046). */
const LONGEST_BOUNDARY = 70

export function addBodyParsers(app: FastifyInstance): void {
  const parseJson = promisify(app.getDefaultJsonParser('error', 'error'))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // Clients announce JSON on requests that have no body.
    if (body.length === 0) return undefined
    await othersFirst(body)
    refuseHeavyJson(body)
    await othersFirst(body)
    const text = decodeUtf8(body)
    await othersFirst(body)
    const parsed = await parseJson(request, text)
    await othersFirst(body)
    return parsed
  })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => {
      await othersFirst(body)
      const form = parseUrlencoded(body)
      await othersFirst(body)
      return form
    },
  )
  app.register(multipart)
  app.addHook('preValidation', async (request) => {
    if (request.isMultipart() && !request.routeOptions.config.streamsBody) request.body = await readMultipart(request)
  })
}

/** Lets other requests in between two steps over a large body: each takes up to a tenth of a second. */
async function othersFirst({ length }: Buffer): Promise<void> {
  if (length > LARGE_BODY) await setImmediate()
}

/** Fields of a multipart form; a part that is a file counts as a field with the file's text. */
async function readMultipart(request: FastifyRequest): Promise<Form> {
  const { bodyLimit } = request.routeOptions
  if (Number(request.headers['content-length']) > bodyLimit) throw new Failure('request.too-large')
  const form: Form = Object.create(null)
  let left = bodyLimit
  for await (const part of partsOf(request, FORM_FIELDS)) {
    left -= PART_FRAME_BYTES + part.fieldname.length
    const value = await textOf(part, left)
    left -= value.length
    add(form, part.fieldname, value)
  }
  return form
}

/**
 * The parts of a multipart body, each a stream to be read or resumed before the next one. What the parser throws is the
 * sender's doing: `request.malformed`, and `request.too-large` for too many parts.
 */
export async function* partsOf(request: FastifyRequest, mostParts: number): AsyncGenerator<MultipartFile> {
  refuseBoundary(request.headers['content-type'] ?? '')
  const parts = request.parts({
    limits: { files: mostParts, parts: mostParts, fileSize: Number.POSITIVE_INFINITY },
    // Also fields: of those the parser would mend bytes that are no UTF-8, and parse JSON of any depth.
    isPartAFile: () => true,
  })
  for (;;) {
    const next = await parts.next().catch((error: unknown) => {
      throw asMalformed(error)
    })
    if (next.done) return
    const part = next.value as MultipartFile
    if (typeof part.fieldname !== 'string') throw malformedForm('a part of it has no name')
    yield part
  }
}

/** The text of a part. Fails with `request.too-large` when it has more bytes, and with `request.malformed`. */
export async function textOf({ file }: MultipartFile, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > mostBytes) throw new Failure('request.too-large')
      chunks.push(chunk)
    }
  } catch (error) {
    throw asMalformed(error)
  }
  return decodeUtf8(Buffer.concat(chunks))
}

/** What reading a form fails with, as a failure that says so. */
export function asMalformed(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error
  const { code = '' } = error as { readonly code?: string }
  if (/LIMIT/.test(code)) return new Failure('request.too-large')
  return malformedForm(error.message.replace(/^Multipart: /, ''))
}

function malformedForm(why: string): Failure {
  return new Failure('request.malformed', `The form could not be understood: ${why}.`)
}

function refuseBoundary(contentType: string): void {
  const [, quoted, plain = ''] = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType) ?? []
  const { length } = quoted ?? plain
  if (length > 0 && length <= LONGEST_BOUNDARY) return
  throw malformedForm(`its Content-Type must name a boundary of 1 to ${LONGEST_BOUNDARY} characters`)
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
