/**
 * The HTTP API from the client's side: JSON in and out, files streamed from disk, and patience with a server that is
 * busy. A server that answers 429 or 503 is asked again after the pause it names, or a growing one; so is one that
 * stopped answering, since it may be restarting.
 */
import { constants, type ReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { catalogue, Failure, type FailureCode } from '../errors/index.ts'
import { reasonOf } from './walk.ts'

export interface ApiClientOptions {
  /** The server's address; paths are joined to it. */
  readonly server: string
  /** Empty for requests that need none. */
  readonly token: string
  /** Pauses before the attempts after the first, in milliseconds, where the server names none. */
  readonly pauses?: readonly number[]
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH'
  readonly query?: Readonly<Record<string, string | number>>
  /** Sent as JSON. */
  readonly json?: unknown
  readonly signal?: AbortSignal
}

/** A file to send, and the form fields beside it. */
export interface Upload {
  readonly source: string | Buffer
  readonly name: string
  readonly fields?: Readonly<Record<string, string>>
  /** Called as each attempt begins; what it gives is told every piece of the file that goes out in that attempt. */
  readonly watch?: () => (piece: Uint8Array) => void
  readonly signal?: AbortSignal
}

const growingPauses = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]
/** A server that asks for more patience than this is not waited for. */
const longestPauseMs = 120_000

export class ApiClient {
  readonly #base: string
  readonly #token: string
  readonly #pauses: readonly number[]
  /** An address that never answered is more likely wrong than restarting, and not asked again. */
  #wasReached = false

  constructor({ server, token, pauses = growingPauses }: ApiClientOptions) {
    this.#base = server.replace(/\/+$/, '')
    this.#token = token
    this.#pauses = pauses
  }

  /**
   * The JSON of a successful answer; undefined where it has no body. Throws the server's own Failure with its code, its
   * message and its detail, `server.refused` for an answer that tells no code, and `server.unreachable` without any.
   */
  async request<T>(path: string, request: ApiRequest = {}): Promise<T> {
    const response = await this.#send(path, request)
    return (response.status === 204 ? undefined : await response.json()) as T
  }

  /** The lines of a successful answer in JSON lines, as they come. Throws as `request`. */
  async *lines<T>(path: string, request: ApiRequest = {}): AsyncGenerator<T> {
    const response = await this.#send(path, request)
    let rest = ''
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + piece).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line)
    }
  }

  async #send(path: string, { method = 'GET', query = {}, json, signal }: ApiRequest): Promise<Response> {
    const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
    const url = `${this.#base}${path}${parameters.size > 0 ? `?${parameters}` : ''}`
    return this.#ask(
      url,
      () => ({
        method,
        ...(json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
      }),
      method === 'GET',
      signal,
    )
  }

  /** Sends a file as the multipart field `file`, in pieces of 256 KB. Throws as `request`, or UnreadableFile. */
  async upload<T>(path: string, { source, name, fields = {}, watch, signal }: Upload): Promise<T> {
    const boundary = `backtrail-${crypto.randomUUID()}`
    let content: ReadStream | undefined
    try {
      const response = await this.#ask(
        `${this.#base}${path}`,
        async () => {
          content?.destroy()
          // Opened before anything is sent: a server that answers at once would hide an error in the body.
          content = await openPlainFile(source)
          return {
            method: 'POST',
            headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
            body: multipart(boundary, content, name, fields, watch?.()),
            duplex: 'half',
          }
        },
        // The same content twice is one sample.
        true,
        signal,
      )
      return (await response.json()) as T
    } finally {
      content?.destroy()
    }
  }

  /** `mayRepeat`: the request may be sent again although an earlier attempt may have arrived. */
  async #ask(
    url: string,
    makeRequest: () => RequestInit | Promise<RequestInit>,
    mayRepeat: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      signal?.throwIfAborted()
      const init = await makeRequest()
      const authorization = this.#token === '' ? {} : { authorization: `Token ${this.#token}` }
      const headers = { ...init.headers, ...authorization, 'user-agent': 'backtrail' }
      const outcome = await fetch(url, { ...init, headers, redirect: 'error', ...(signal ? { signal } : {}) }).catch(
        (error: unknown) => unanswered(url, error),
      )
      if (outcome instanceof Response) this.#wasReached = true
      if (outcome instanceof Response && outcome.ok) return outcome
      const wait = outcome instanceof Response ? pauseAsked(outcome) : null
      const nextPause = this.#pauses[attempt]
      const isWorthIt = outcome instanceof Failure ? this.#wasReached && mayRepeat : isBusy(outcome)
      if (!isWorthIt || nextPause === undefined || (wait ?? 0) > longestPauseMs) {
        throw outcome instanceof Failure ? outcome : await refusal(url, outcome)
      }
      if (outcome instanceof Response) await outcome.body?.cancel()
      await pause(wait ?? nextPause, undefined, signal ? { signal } : {})
    }
  }
}

/** A file to be sent could not be opened or read; the `cause` says why. */
export class UnreadableFile extends Error {}

/** The Failure for a request that got no answer. An abort, or a file that cannot be read, goes on as it is. */
function unanswered(url: string, error: unknown): Failure {
  if (!(error instanceof TypeError) || error.cause === undefined) throw error
  const { cause } = error
  if (cause instanceof UnreadableFile) throw cause
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const explanation = explanations[code]
  const reason = explanation ?? (cause instanceof Error ? cause.message : String(cause))
  return new Failure('server.unreachable', `The server at ${new URL(url).origin} cannot be reached: ${reason}.`)
}

const unknownAuthority =
  'its certificate is of no authority that is known here; name a file with the certificate in NODE_EXTRA_CA_CERTS'
const explanations: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no host of that name',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
}

function isBusy({ status }: Response): boolean {
  return status === 429 || status === 503
}

/** The pause in milliseconds that a Retry-After header asks for, given in seconds or as a date. */
function pauseAsked(response: Response): number | null {
  const header = response.headers.get('retry-after')
  if (header === null) return null
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : null
}

/** The server's own Failure where it tells its code, `server.refused` for everything else. */
async function refusal(url: string, response: Response): Promise<Failure> {
  const { origin, pathname } = new URL(url)
  const text = await response.text()
  let answer: Answer
  try {
    answer = JSON.parse(text)
  } catch {
    // Not one of Backtrail's envelopes: a proxy in between answered.
    const hint = response.status === 404 ? ' Is this a Backtrail server?' : ''
    const said = text.trim().slice(0, 500) || 'nothing more.'
    return new Failure('server.refused', `${origin} answered ${response.status} to ${pathname}: ${said}${hint}`)
  }
  const { error, detail } = answer
  const message = [answer.message, detail].find((words) => typeof words === 'string' && words !== '') ?? text
  if (typeof error === 'string' && Object.hasOwn(catalogue, error)) {
    const particulars = typeof detail === 'object' && detail !== null ? { ...detail } : {}
    const hint =
      error === 'credentials.invalid'
        ? ' Give one with --token or BACKTRAIL_TOKEN, or log in with backtrail login.'
        : ''
    return new Failure(error as FailureCode, `${origin}: ${message}${hint}`, particulars)
  }
  return new Failure('server.refused', `${origin} answered ${response.status} to ${pathname}: ${message}`)
}

/** The parts of Backtrail's error envelopes, none of which is certain to be there. */
interface Answer {
  readonly error?: unknown
  readonly message?: unknown
  readonly detail?: unknown
}

async function* multipart(
  boundary: string,
  content: ReadStream,
  name: string,
  fields: Readonly<Record<string, string>>,
  onPiece: ((piece: Uint8Array) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  let head = ''
  for (const [field, value] of Object.entries(fields))
    head += `--${boundary}\r\ncontent-disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`
  head += `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${escapeName(name)}"\r\n`
  head += 'content-type: application/octet-stream\r\n\r\n'
  yield Buffer.from(head)
  for await (const piece of piecesOf(content)) {
    onPiece?.(piece)
    yield piece
  }
  yield Buffer.from(`\r\n--${boundary}--\r\n`)
}

async function openPlainFile(source: string | Buffer): Promise<ReadStream> {
  try {
    // A link or a pipe that took the file's place since it was found is not followed and not waited for.
    const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) {
      await file.close()
      throw new Error('it is not a plain file any more')
    }
    return file.createReadStream({ highWaterMark: 256 * 1024 })
  } catch (error) {
    throw new UnreadableFile(reasonOf(error), { cause: error })
  }
}

async function* piecesOf(content: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    yield* content
  } catch (error) {
    throw new UnreadableFile(reasonOf(error), { cause: error })
  }
}

/** As browsers write it in a header. */
function escapeName(name: string): string {
  return name.replace(/["\r\n]/g, (character) => ({ '"': '%22', '\r': '%0D', '\n': '%0A' })[character] ?? '')
}
