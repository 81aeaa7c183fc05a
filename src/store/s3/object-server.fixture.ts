/**
 * An object store in memory, which speaks as much of S3 as `Bucket` asks for, holds what arrives against the digest that it
 * was announced with, and fails as a test says. It stands in for what a real one cannot be asked to do on purpose; that
 * Backtrail gets on with a real one is shown with Ceph (`rgw.fixture.ts`).
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { BucketSettings } from './bucket.ts'

interface Kept {
  bytes: Buffer
  metadata: Record<string, string>
  modified: number
}

/** A request that is answered in another way than the store would; null for the store's own answer. */
type Fault = (request: {
  readonly method: string
  readonly path: string
}) => FaultAnswer | null | Promise<FaultAnswer | null>
type FaultAnswer = { readonly status: number; readonly code: string } | 'hang up' | 'lose the answer' | 'spoil the body'

export class ObjectServer {
  readonly objects = new Map<string, Kept>()
  /** `PUT /bucket/key`, in the order in which they came. */
  readonly asked: string[] = []
  readonly #uploads = new Map<
    string,
    { key: string; begun: number; metadata: Record<string, string>; parts: Map<number, Buffer> }
  >()
  #fault: Fault = () => null
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error) => response.destroy(error))
  })

  static async start(t: { after(work: () => unknown): void }): Promise<ObjectServer> {
    const store = new ObjectServer()
    // A machine under load may be slow to use a connection again.
    store.#server.keepAliveTimeout = 10 * 60_000
    store.#server.listen(0, '127.0.0.1')
    await once(store.#server, 'listening')
    t.after(() => {
      store.#server.close()
      store.#server.closeAllConnections()
    })
    return store
  }

  /** What a client needs to know. The keys of the environment of tests are not asked for. */
  settings(prefix = 'prefix'): BucketSettings {
    const { port } = this.#server.address() as AddressInfo
    return {
      store: `s3://bucket/${prefix}`,
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      pathStyle: true,
      credentials: '',
      ca: '',
      patience: { tryMs: 10_000 },
    }
  }

  /** Answers the requests that a test picks in another way, or later. */
  fail(fault: Fault): void {
    this.#fault = fault
  }

  /** How many uploads in parts were begun and not ended. */
  get unfinished(): number {
    return this.#uploads.size
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const { method = '', url = '', headers } = request
    const { pathname, searchParams } = new URL(url, 'http://store')
    const key = decodeURIComponent(pathname).replace(/^\/bucket\/?/, '')
    const body = await buffer(request)
    this.asked.push(`${method} ${key}${searchParams.has('uploadId') ? ` of ${searchParams.get('partNumber')}` : ''}`)
    const fault = await this.#fault({ method, path: key })
    if (fault === 'hang up') return response.destroy()
    if (fault !== null && typeof fault === 'object') return refuse(response, fault.status, fault.code)
    const declared = headers['x-amz-content-sha256']
    const found = createHash('sha256').update(body).digest('hex')
    if (body.length > 0 && declared !== found) return refuse(response, 400, 'XAmzContentSHA256Mismatch')
    if (fault === 'lose the answer') {
      const nobody = silent(() => response.destroy())
      return this.#serve(method, key, searchParams, request, body, nobody)
    }
    const isSpoilt = fault === 'spoil the body'
    return this.#serve(method, key, searchParams, request, body, response, isSpoilt)
  }

  #serve(
    method: string,
    key: string,
    query: URLSearchParams,
    { headers }: IncomingMessage,
    body: Buffer,
    response: Pick<ServerResponse, 'writeHead' | 'end'>,
    isSpoilt = false,
  ): unknown {
    const kept = this.objects.get(key)
    const isTaken = headers['if-none-match'] === '*' && kept !== undefined
    const metadata = Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [],
      ),
    )
    const upload = this.#uploads.get(query.get('uploadId') ?? '')
    if (method === 'POST' && query.has('uploads')) {
      const id = randomUUID()
      this.#uploads.set(id, { key, begun: Date.now(), metadata, parts: new Map() })
      return reply(
        response,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      )
    }
    if (query.has('uploadId') && !upload) return refuse(response, 404, 'NoSuchUpload')
    if (upload && method === 'DELETE') {
      this.#uploads.delete(query.get('uploadId') ?? '')
      return response.writeHead(204).end()
    }
    if (upload && method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body)
      return response.writeHead(200, { etag: `"${query.get('partNumber')}"` }).end()
    }
    if (upload) {
      if (isTaken) return refuse(response, 412, 'PreconditionFailed')
      const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part)
      this.objects.set(key, { bytes: Buffer.concat(parts), metadata: upload.metadata, modified: Date.now() })
      this.#uploads.delete(query.get('uploadId') ?? '')
      return reply(response, '<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')
    }
    if (method === 'PUT') {
      if (isTaken) return refuse(response, 412, 'PreconditionFailed')
      this.objects.set(key, { bytes: body, metadata, modified: Date.now() })
      return response.writeHead(200, { etag: '"x"' }).end()
    }
    if (method === 'DELETE') {
      this.objects.delete(key)
      return response.writeHead(204).end()
    }
    if (query.has('list-type')) return this.#list(query, response)
    if (query.has('uploads')) return this.#listUploads(response)
    if (!kept) return method === 'HEAD' ? response.writeHead(404).end() : refuse(response, 404, 'NoSuchKey')
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    if (Number(from) >= kept.bytes.length) return refuse(response, 416, 'InvalidRange')
    const bytes = from === undefined ? kept.bytes : kept.bytes.subarray(Number(from), Number(to) + 1)
    const range = from !== undefined && { 'content-range': `bytes ${from}-${to}/${kept.bytes.length}` }
    response.writeHead(from === undefined ? 200 : 206, {
      'content-length': bytes.length,
      'last-modified': new Date(kept.modified).toUTCString(),
      ...kept.metadata,
      ...range,
    })
    return response.end(method === 'HEAD' ? undefined : isSpoilt ? Buffer.alloc(bytes.length, 'spoilt') : bytes)
  }

  /** Three names a page. */
  #list(query: URLSearchParams, response: Pick<ServerResponse, 'writeHead' | 'end'>): void {
    const after = query.get('continuation-token') ?? ''
    const names = [...this.objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '')).sort()
    const rest = names.filter((name) => name > after)
    const page = rest.slice(0, 3)
    const contents = page.map((name) => {
      const { bytes, modified } = this.objects.get(name) as Kept
      return `<Contents><Key>${name}</Key><Size>${bytes.length}</Size><LastModified>${new Date(modified).toISOString()}</LastModified></Contents>`
    })
    const isMore = rest.length > page.length
    const next = isMore ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    reply(
      response,
      `<ListBucketResult><IsTruncated>${isMore}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    )
  }

  #listUploads(response: Pick<ServerResponse, 'writeHead' | 'end'>): void {
    const uploads = [...this.#uploads].map(
      ([id, { key, begun }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${new Date(begun).toISOString()}</Initiated></Upload>`,
    )
    reply(response, `<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`)
  }
}

function reply(response: Pick<ServerResponse, 'writeHead' | 'end'>, xml: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${xml}`)
}

function refuse(response: Pick<ServerResponse, 'writeHead' | 'end'>, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

/** An answer that nobody gets. */
function silent(end: () => unknown): Pick<ServerResponse, 'writeHead' | 'end'> {
  const answer = { writeHead: () => answer, end }
  return answer as unknown as Pick<ServerResponse, 'writeHead' | 'end'>
}

/** For the client, which looks for keys in the environment and then in many other places. */
process.env.AWS_ACCESS_KEY_ID ??= 'key'
process.env.AWS_SECRET_ACCESS_KEY ??= 'secret'
