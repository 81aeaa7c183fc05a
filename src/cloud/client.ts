/**
 * Asks a cloud over HTTP, in the protocol of src/tca. It does not know whether the vendor or another Backtrail answers,
 * and believes neither: an answer has its time and its size, and is looked at before it is used.
 *
 * Everything that goes wrong is a Failure: `cloud.unreachable` (no connection, no answer in time, a broken one; the
 * cloud may have done what it was asked), `cloud.credentials`, `cloud.overloaded` (429, 503), `cloud.refused` (another
 * 4xx, with the cloud's sentence), and `cloud.failed` (5xx, or an answer that makes no sense). `detail.status` is the
 * HTTP status, `detail.retryAfterMs` what the cloud asks to wait.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Static, type TSchema, Type } from 'typebox'
import { Failure, type FailureCode } from '../errors/index.ts'
import { readAnswer, sentenceOf, whyUnreachable } from '../network/index.ts'
import { type FeedKind, limits, RulesetText, tcaPath } from '../tca/index.ts'
import type { CloudAccess } from './access.ts'

/** What is used of an answer; the vendor's may lack or add the rest. */
const Accepted = Type.Object({ ruleset_name: Type.String(), ruleset_sha1: Type.Optional(Type.String()) })
const Info = Type.Object({ valid: Type.Boolean(), approved: Type.Boolean() })
const OptionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const Status = Type.Object({
  retro_status: Type.String(),
  start_time: OptionalText,
  finish_time: OptionalText,
  estimated_finish_time: OptionalText,
  progress: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  reason: OptionalText,
})
const Page = Type.Object({
  rl: Type.Object({ feed: Type.Object({ last_timestamp: Type.Integer(), entries: Type.Array(Type.Unknown()) }) }),
})
const Entry = Type.Object({
  sha1: Type.String({ pattern: '^[0-9A-Fa-f]{40}$' }),
  timestamp: Type.Integer({ minimum: 0 }),
  ruleset_name: Type.String(),
  ruleset_sha1: Type.String(),
  file_type: Type.Optional(Type.String()),
  file_size: Type.Optional(Type.Integer({ minimum: 0 })),
  rule: Type.Array(Type.Object({ identifier: Type.String() })),
})

export type RulesetInfoJson = Static<typeof Info>
export type RetroStatusJson = Static<typeof Status>
export type FeedEntryJson = Static<typeof Entry>

export interface FeedPage {
  readonly entries: readonly FeedEntryJson[]
  /** How many entries lack what is needed of them. */
  readonly unusable: number
  /** Seconds by the cloud's clock. */
  readonly lastTimestamp: number
}

const ANSWER_BYTES = 4 << 20
/** A thousand entries with what matched; some rules match much. */
const PAGE_BYTES = 256 << 20
const RETRO_PACE_MS = 1_050
/** For what nobody asks again by itself. */
export const RETRO_TRIES = 3

/** Three hundred modules, which a server without a cloud never needs. */
const validation = () => import('typebox/value')

export class CloudClient {
  readonly #access: CloudAccess
  readonly #base: URL
  /** Keeps connections for the next question. */
  readonly #keeping: HttpAgent
  /**
   * Opens one each time. On a kept connection a request may meet the moment in which the cloud closes it, and then
   * nobody knows whether it did what it was asked: that is only for what may be asked twice.
   */
  readonly #single: HttpAgent
  /** The last `Date` header, in seconds; null before the first answer with one. */
  #clock: number | null = null
  /** When the next request about hunts may be sent, by this process's clock. */
  #nextRetro = 0

  constructor(access: CloudAccess) {
    this.#access = access
    this.#base = new URL(access.url)
    this.#keeping = agentFor(this.#base, access, true)
    this.#single = agentFor(this.#base, access, false)
  }

  /** The second that the cloud's clock showed in its last answer; null when it never sent one. */
  get clock(): number | null {
    return this.#clock
  }

  /** Gives the digest by which the feeds call this text, where the cloud sends it. */
  async create(name: string, text: string, signal?: AbortSignal): Promise<string | null> {
    const json = { ruleset_name: name, text }
    const { ruleset_sha1 } = await this.#ask(Accepted, 'POST', tcaPath('rulesets', {}), { json, signal })
    return ruleset_sha1 ?? null
  }

  /** Null when the cloud has no ruleset of this name. */
  info(name: string, signal?: AbortSignal): Promise<RulesetInfoJson | null> {
    return unlessMissing(this.#ask(Info, 'GET', tcaPath('ruleset', { name }), { signal }))
  }

  /** Null when the cloud has no ruleset of this name. */
  async text(name: string, signal?: AbortSignal): Promise<string | null> {
    // In JSON a character of the text may take six.
    const maxBytes = 8 * limits.textBytes
    const found = this.#ask(RulesetText, 'GET', tcaPath('rulesetText', { name }), { signal, maxBytes })
    return (await unlessMissing(found))?.text ?? null
  }

  /** All of the account; for looking whether the cloud answers. */
  async count(signal?: AbortSignal): Promise<number> {
    const all = await this.#ask(Type.Array(Type.Unknown()), 'GET', tcaPath('rulesets', {}), {
      signal,
      maxBytes: PAGE_BYTES,
    })
    return all.length
  }

  /** Succeeds also where the ruleset does not exist. */
  async remove(name: string, signal?: AbortSignal): Promise<void> {
    await unlessMissing(this.#askSuccessfully('DELETE', tcaPath('ruleset', { name }), { signal }))
  }

  async enableRetro(name: string, signal?: AbortSignal): Promise<string | null> {
    return this.#onRetro('enableRetro', name, signal)
  }

  async startRetro(name: string, signal?: AbortSignal): Promise<string | null> {
    return this.#onRetro('startRetro', name, signal)
  }

  async cancelRetro(name: string, signal?: AbortSignal): Promise<string | null> {
    return this.#onRetro('cancelRetro', name, signal)
  }

  /**
   * Null when the cloud has no ruleset of this name. `tries`: how often at most a cloud is asked that wants a pause.
   */
  retroStatus(name: string, signal?: AbortSignal, tries = 1): Promise<RetroStatusJson | null> {
    const ask = () => this.#ask(Status, 'GET', tcaPath('retroStatus', { name }), { signal })
    return unlessMissing(this.#paced(ask, signal, tries))
  }

  /** One page of a feed, from this second on. */
  async feed(kind: FeedKind, from: number, signal?: AbortSignal): Promise<FeedPage> {
    const parameters = { form: 'timestamp', start: String(from) }
    const path = tcaPath(kind === 'live' ? 'liveFeed' : 'retroFeed', parameters)
    const asking = { signal, maxBytes: PAGE_BYTES }
    const { last_timestamp, entries } = (await this.#ask(Page, 'GET', `${path}?format=json`, asking)).rl.feed
    const { Value } = await validation()
    const usable = entries.filter((entry) => Value.Check(Entry, entry))
    return { entries: usable, unusable: entries.length - usable.length, lastTimestamp: last_timestamp }
  }

  /** Sends a sample's content; the cloud may know it already. */
  async upload(sha1: string, content: Readable, size: number, signal?: AbortSignal): Promise<void> {
    await this.#askSuccessfully('POST', tcaPath('upload', { sha1 }), { content, size, signal })
  }

  close(): void {
    this.#keeping.destroy()
    this.#single.destroy()
  }

  async #onRetro(route: 'enableRetro' | 'startRetro' | 'cancelRetro', name: string, signal?: AbortSignal) {
    const json = { ruleset_name: name }
    const ask = () => this.#ask(Accepted, 'POST', tcaPath(route, {}), { json, signal })
    const { ruleset_sha1 } = await this.#paced(ask, signal, RETRO_TRIES)
    return ruleset_sha1 ?? null
  }

  /** Clouds take one request about hunts a second from an account, which other appliances may use as well. */
  async #paced<T>(ask: () => Promise<T>, signal: AbortSignal | undefined, most: number): Promise<T> {
    for (let tries = 1; ; tries++) {
      const at = Math.max(performance.now(), this.#nextRetro)
      this.#nextRetro = at + RETRO_PACE_MS
      await pause(Math.max(0, at - performance.now()), undefined, { ...(signal && { signal }) })
      try {
        return await ask()
      } catch (error) {
        const isTooFast = error instanceof Failure && error.detail.status === 429
        if (!isTooFast || tries === most) throw error
      }
    }
  }

  async #ask<S extends TSchema>(shape: S, method: string, path: string, asking: Asking): Promise<Static<S>> {
    const { status, text } = await this.#askSuccessfully(method, path, asking)
    const parsed = parse(text)
    const { Value } = await validation()
    if (!Value.Check(shape, parsed)) {
      const [problem] = Value.Errors(shape, parsed)
      const where = problem ? ` (${problem.instancePath || 'the answer'} ${problem.message})` : ''
      throw new Failure('cloud.failed', `The cloud's answer makes no sense${where}.`, { status })
    }
    return parsed
  }

  /** Asks, and fails unless the cloud says that it went well. */
  async #askSuccessfully(method: string, path: string, asking: Asking): Promise<Exchanged> {
    const answer = await this.#exchange(method, path, asking)
    const { status, headers, text } = answer
    const date = Date.parse(headers.date ?? '')
    if (!Number.isNaN(date)) this.#clock = Math.floor(date / 1000)
    if (status < 200 || status > 299) throw refusal(status, headers['retry-after'], text)
    return answer
  }

  async #exchange(method: string, path: string, asking: Asking): Promise<Exchanged> {
    const ended = AbortSignal.timeout(this.#access.timeoutMs)
    const signal = asking.signal ? AbortSignal.any([ended, asking.signal]) : ended
    for (;;) {
      const request = this.#request(method, path, asking, signal)
      try {
        return await answerTo(request, asking, signal)
      } catch (error) {
        if (error instanceof Failure) throw error
        if (asking.signal?.aborted) throw asking.signal.reason
        // The next one is tried on another kept connection, or on a new one in the end.
        if (request.reusedSocket && !ended.aborted) continue
        throw new Failure('cloud.unreachable', `The cloud cannot be reached: ${reasonOf(error, this.#access, ended)}.`)
      }
    }
  }

  #request(method: string, path: string, { json, content, size = 0 }: Asking, signal: AbortSignal): ClientRequest {
    const body = json === undefined ? null : Buffer.from(JSON.stringify(json))
    const { user, password } = this.#access
    const ask = this.#base.protocol === 'https:' ? httpsRequest : httpRequest
    const request = ask(new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base), {
      method,
      agent: method === 'GET' ? this.#keeping : this.#single,
      signal,
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        accept: 'application/json',
        'user-agent': 'Backtrail',
        ...(body && { 'content-type': 'application/json' }),
        ...(content && { 'content-type': 'application/octet-stream' }),
        ...(method === 'POST' && { 'content-length': body?.length ?? size }),
      },
    })
    if (!content) request.end(body ?? undefined)
    return request
  }
}

interface Asking {
  readonly json?: unknown
  readonly content?: Readable
  readonly size?: number
  readonly maxBytes?: number
  readonly signal?: AbortSignal | undefined
}

interface Exchanged {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

function agentFor({ protocol }: URL, { proxy, ca }: CloudAccess, keepAlive: boolean): HttpAgent {
  const proxyEnv = proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }
  const options = { keepAlive, maxSockets: 4, ...proxyEnv }
  return protocol === 'https:' ? new HttpsAgent({ ...options, ...(ca !== null && { ca }) }) : new HttpAgent(options)
}

/** Sends the content, where there is any, and reads the answer. */
async function answerTo(
  request: ClientRequest,
  { content, maxBytes = ANSWER_BYTES }: Asking,
  signal: AbortSignal,
): Promise<Exchanged> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject)
  })
  // A cloud that refuses early closes the connection while the content is still being sent.
  if (content) await Promise.race([pipeline(content, request, { signal }), answered])
  const response = await answered
  return { status: response.statusCode ?? 0, headers: response.headers, text: await readText(response, maxBytes) }
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const tooLarge = () => new Failure('cloud.failed', `The cloud's answer is larger than ${maxBytes} bytes.`)
  return Buffer.concat(await readAnswer(response, maxBytes, tooLarge)).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Failure('cloud.failed', `The cloud's answer is no JSON: ${sentenceOf(text) || 'it is empty'}`)
  }
}

function refusal(status: number, retryAfter: string | undefined, text: string): Failure {
  const said = sentenceOf(text)
  const codes: Readonly<Record<number, FailureCode>> = {
    401: 'cloud.credentials',
    407: 'cloud.unreachable',
    408: 'cloud.unreachable',
    429: 'cloud.overloaded',
    503: 'cloud.overloaded',
  }
  const code = codes[status] ?? (status >= 400 && status < 500 ? 'cloud.refused' : 'cloud.failed')
  const answer = said === '' ? `HTTP status ${status}` : `${said} (${status})`
  const seconds = Number(retryAfter)
  return new Failure(code, `The cloud answered: ${answer}`, {
    status,
    said,
    ...(seconds > 0 && { retryAfterMs: seconds * 1000 }),
  })
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Failure && error.detail.status === 404) return null
    throw error
  }
}

function reasonOf(error: unknown, { url, timeoutMs }: CloudAccess, ended: AbortSignal): string {
  if (ended.aborted) return `${url} did not answer within ${timeoutMs / 1000} s`
  return whyUnreachable(error, new URL(url))
}
