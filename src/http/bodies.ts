/**
 * Request bodies. Whatever the content type, a form arrives at a route as one object of text values, repeated names as
 * arrays: urlencoded, multipart and JSON are three ways to say the same. Large ones are parsed in a thread of their own.
 */
import type { Readable } from 'node:stream'
import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Failure } from '../errors/index.ts'
import { inTurn } from '../turns/index.ts'
import { BodyThread } from './body-thread.ts'
import { addTo, type BodyKind, decodeUtf8, FORM_FIELDS, type Form, parseBody } from './body-values.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the parts of a multipart body itself. */
    readonly streamsBody?: boolean
    /** The body is the `FormFile`s of a multipart form, up to so many. */
    readonly mostFiles?: number
  }
}

/** From this many bytes on, a body is parsed by a thread. */
const LARGE_BODY = 256 * 1024
/** What a part of a multipart form takes besides its name and its value, at least. */
const PART_FRAME_BYTES = 50
/** A boundary has up to 70 characters (RFC 2046). */
const LONGEST_BOUNDARY = 70

/** A part `file` of a form, in memory. */
export interface FormFile {
  /** With its folders; empty where the part has none. */
  readonly name: string
  readonly bytes: Buffer
}

export function addBodyParsers(app: FastifyInstance): void {
  const thread = new BodyThread()
  app.addHook('onClose', () => thread.close())
  const parse = async (kind: BodyKind, request: FastifyRequest, stream: Readable) => {
    const chunks = chunksOf(request, stream)
    const first: Buffer[] = []
    let length = 0
    for await (const chunk of chunks) {
      first.push(chunk)
      length += chunk.length
      if (length >= LARGE_BODY) return thread.parse(kind, first, chunks)
    }
    // Clients announce JSON on requests that have no body.
    return length === 0 && kind === 'json' ? undefined : parseBody(kind, Buffer.concat(first))
  }
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request: FastifyRequest, stream: Readable) =>
    parse('json', request, stream),
  )
  app.addContentTypeParser('application/x-www-form-urlencoded', (request: FastifyRequest, stream: Readable) =>
    parse('urlencoded', request, stream),
  )
  app.register(multipart)
  app.addHook('preValidation', async (request) => {
    const { streamsBody, mostFiles } = request.routeOptions.config
    if (!request.isMultipart() || streamsBody) return
    request.body = mostFiles === undefined ? await readMultipart(request) : await readFiles(request, mostFiles)
  })
}

/** A body as it comes, to be read on after a pause too. Fails with `request.too-large`, and leaves the rest unread then. */
function chunksOf({ routeOptions, headers }: FastifyRequest, stream: Readable): AsyncIterable<Buffer> {
  const { bodyLimit } = routeOptions
  const chunks: AsyncIterator<Buffer> = stream.iterator({ destroyOnReturn: false })
  let length = 0
  const next = async () => {
    if (Number(headers['content-length']) > bodyLimit) throw new Failure('request.too-large')
    const one = await chunks.next()
    length += one.done ? 0 : one.value.length
    if (length > bodyLimit) throw new Failure('request.too-large')
    return one
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
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
    addTo(form, part.fieldname, value)
  }
  return form
}

/** The parts `file` of a form, in order; other parts are left out. */
async function readFiles(request: FastifyRequest, most: number): Promise<FormFile[]> {
  const { bodyLimit } = request.routeOptions
  if (Number(request.headers['content-length']) > bodyLimit) throw new Failure('request.too-large')
  const files: FormFile[] = []
  let left = bodyLimit
  for await (const part of partsOf(request, most, { preservePath: true })) {
    const name = fileNameOf(part)
    left -= PART_FRAME_BYTES + part.fieldname.length + name.length
    const bytes = await bytesOf(part, left)
    left -= bytes.length
    if (part.fieldname === 'file') files.push({ name, bytes })
  }
  return files
}

/**
 * The parts of a multipart body, each a stream to be read or resumed before the next one. What the parser throws is the
 * sender's doing: `request.malformed`, and `request.too-large` for too many parts. `preservePath`: file names keep their
 * folders.
 */
export async function* partsOf(
  request: FastifyRequest,
  mostParts: number,
  { preservePath = false }: { readonly preservePath?: boolean } = {},
): AsyncGenerator<MultipartFile> {
  refuseBoundary(request.headers['content-type'] ?? '')
  const parts = request.parts({
    preservePath,
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

/**
 * The name that the client gave. Browsers, and programs that do as they do, write a quotation mark and the two ends of a
 * line as escapes in the header (HTML, "multipart/form-data encoding"), and nothing else.
 */
export function fileNameOf({ filename = '' }: MultipartFile): string {
  return filename.replace(/%(22|0A|0D)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** The text of a part. Fails with `request.too-large` when it has more bytes, and with `request.malformed`. */
export async function textOf(part: MultipartFile, mostBytes: number): Promise<string> {
  const bytes = await bytesOf(part, mostBytes)
  return inTurn(bytes, () => decodeUtf8(bytes))
}

async function bytesOf({ file }: MultipartFile, mostBytes: number): Promise<Buffer> {
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
  return Buffer.concat(chunks)
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
