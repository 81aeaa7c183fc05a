/**
 * Asks a manager over HTTP, in the protocol of src/manager-protocol. What it answers is used only if it is signed with the key that
 * this appliance knows it by, together with the number that was made up for the request.
 *
 * Everything that goes wrong is a Failure: `manager.unreachable` (no connection, no answer in time, a broken one; the
 * manager may have done what it was asked), `manager.credentials`, `manager.disabled` (it does not share rulesets with
 * this appliance), `manager.untrusted` (another key), `manager.refused` (another 4xx) and `manager.failed`.
 */
import type { KeyObject } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { Static, TSchema } from 'typebox'
import { Failure, type FailureCode } from '../errors/index.ts'
import {
  FollowAnswer,
  type FollowRequest,
  Identity,
  isSigned,
  limits,
  managerPath,
  newNonce,
  PublishAnswer,
  type PublishRequest,
  readPublicKey,
  SignedAnswer,
  SnapshotAnswer,
} from '../manager-protocol/index.ts'
import { readAnswer, sentenceOf, whyUnreachable } from '../network/index.ts'
import { gather, packPieces, slicesOf } from '../rulesets/index.ts'
import type { ManagerAccess } from './access.ts'

/** Of 64 KB each at most. */
const PIECES_IN_A_TURN = 16

/** Many modules, which a server without a manager never needs. */
const validation = () => import('typebox/value')

/** What an appliance asks its manager. */
export type ManagerLink = Pick<
  ManagerClient,
  'trust' | 'trusted' | 'identity' | 'follow' | 'snapshot' | 'publish' | 'text'
>

interface Exchange {
  readonly body?: object
  readonly signal: AbortSignal
  readonly extraMs?: number
}

export class ManagerClient {
  readonly #access: ManagerAccess
  readonly #base: URL
  readonly #agent: HttpAgent
  #key: { readonly text: string; readonly key: KeyObject } | null = null

  constructor(access: ManagerAccess) {
    this.#access = access
    this.#base = new URL(access.url)
    const options = { keepAlive: true, maxSockets: 6 }
    this.#agent =
      this.#base.protocol === 'https:'
        ? new HttpsAgent({ ...options, ...(access.ca !== null && { ca: access.ca }) })
        : new HttpAgent(options)
  }

  close(): void {
    this.#agent.destroy()
  }

  /** From now on only what is signed with this key is used. */
  trust(key: string): void {
    const read = readPublicKey(key)
    if (read === null) throw new Failure('manager.untrusted', 'The manager\u2019s key is no Ed25519 key.')
    this.#key = { text: key, key: read }
  }

  get trusted(): string | null {
    return this.#key?.text ?? null
  }

  /** Not signed: with it an appliance learns the key. */
  async identity(signal: AbortSignal): Promise<Identity> {
    return fitting(Identity, await this.#read('GET', managerPath.identity(), { signal }))
  }

  follow(request: Omit<FollowRequest, 'nonce'>, signal: AbortSignal): Promise<FollowAnswer> {
    return this.#ask(FollowAnswer, managerPath.follow(), request, { signal, extraMs: request.wait * 1_000 })
  }

  snapshot(afterName: string, signal: AbortSignal): Promise<SnapshotAnswer> {
    return this.#ask(SnapshotAnswer, managerPath.snapshot(), { after_name: afterName }, { signal })
  }

  publish(request: Omit<PublishRequest, 'nonce'>, signal: AbortSignal): Promise<PublishAnswer> {
    return this.#ask(PublishAnswer, managerPath.publish(), request, { signal })
  }

  /** The text of a digest that was signed, packed. */
  async text(digest: string, signal: AbortSignal): Promise<Uint8Array> {
    const text = await packPieces(await this.#exchange('GET', managerPath.text(digest), { signal }))
    if (text.digest !== digest) {
      throw new Failure('manager.untrusted', 'The manager sent another text than the one that it signed.')
    }
    return text.packed
  }

  async #ask<S extends TSchema>(
    shape: S,
    path: string,
    asked: object,
    how: { readonly signal: AbortSignal; readonly extraMs?: number },
  ): Promise<Static<S>> {
    if (this.#key === null) throw new Error('the manager is asked before its key is known')
    const nonce = newNonce()
    const answer = await fitting(SignedAnswer, await this.#read('POST', path, { ...how, body: { nonce, ...asked } }))
    if (!isSigned(answer.payload, nonce, answer.signature, this.#key.key)) {
      throw new Failure(
        'manager.untrusted',
        `${this.#base.host} signs with another key than this appliance knows its manager by. If the manager was replaced, give its key with --manager-key.`,
      )
    }
    return fitting(shape, parse(answer.payload))
  }

  async #read(method: 'GET' | 'POST', path: string, how: Exchange): Promise<unknown> {
    return parse((await gather(await this.#exchange(method, path, how))).toString())
  }

  async #exchange(
    method: 'GET' | 'POST',
    path: string,
    { body, signal, extraMs = 0 }: Exchange,
  ): Promise<readonly Buffer[]> {
    const ended = AbortSignal.timeout(this.#access.timeoutMs + extraMs)
    const either = AbortSignal.any([signal, ended])
    const json = body ? await jsonPieces(body) : []
    const length = json.reduce((sum, piece) => sum + piece.length, 0)
    for (;;) {
      const ask = this.#base.protocol === 'https:' ? httpsRequest : httpRequest
      const request = ask(new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base), {
        method,
        agent: this.#agent,
        signal: either,
        headers: {
          authorization: `Token ${this.#access.token}`,
          accept: 'application/json',
          'user-agent': 'Backtrail',
          ...(body && { 'content-type': 'application/json', 'content-length': length }),
        },
      })
      try {
        const answered = new Promise<IncomingMessage>((resolve, reject) => {
          request.on('response', resolve).on('error', reject)
        })
        Readable.from(json, { objectMode: false }).pipe(request)
        const response = await answered
        const pieces = await readAnswer(response, limits.answerBytes, tooLarge)
        const status = response.statusCode ?? 0
        if (status < 200 || status > 299) {
          throw refusal(status, response.headers['retry-after'], Buffer.concat(pieces).toString())
        }
        return pieces
      } catch (error) {
        if (error instanceof Failure) throw error
        if (signal.aborted) throw signal.reason
        // A kept connection that the manager has closed meanwhile: whatever is asked may be asked again.
        if (request.reusedSocket && !ended.aborted) continue
        throw new Failure('manager.unreachable', `The manager cannot be reached: ${this.#reasonOf(error, ended)}.`)
      }
    }
  }

  #reasonOf(error: unknown, ended: AbortSignal): string {
    if (ended.aborted) return `${this.#base.host} did not answer within ${this.#access.timeoutMs / 1000} s`
    return whyUnreachable(error, this.#base)
  }
}

function tooLarge(): Failure {
  return new Failure('manager.failed', `The manager's answer is larger than ${limits.answerBytes} bytes.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Failure('manager.failed', `The manager's answer is no JSON: ${sentenceOf(text) || 'it is empty'}`)
  }
}

/** JSON of an object. Others are served meanwhile: a text may have 32 MB. */
async function jsonPieces(body: object): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for (const piece of eachPiece(body)) if (pieces.push(piece) % PIECES_IN_A_TURN === 0) await setImmediate()
  return pieces
}

function* eachPiece(body: object): Generator<Buffer> {
  let before = '{'
  for (const [name, value] of Object.entries(body)) {
    yield Buffer.from(`${before}${JSON.stringify(name)}:`)
    before = ','
    if (typeof value !== 'string') {
      yield Buffer.from(JSON.stringify(value))
      continue
    }
    yield Buffer.from('"')
    for (const slice of slicesOf(value)) yield Buffer.from(JSON.stringify(slice).slice(1, -1))
    yield Buffer.from('"')
  }
  yield Buffer.from('}')
}

async function fitting<S extends TSchema>(shape: S, given: unknown): Promise<Static<S>> {
  const { Value } = await validation()
  if (Value.Check(shape, given)) return given
  const [problem] = Value.Errors(shape, given)
  const where = problem ? ` (${problem.instancePath || 'the answer'} ${problem.message})` : ''
  throw new Failure('manager.failed', `The manager's answer makes no sense${where}.`)
}

function refusal(status: number, retryAfter: string | undefined, text: string): Failure {
  const { error, message } = refusedBody(text)
  const said = message === '' ? `HTTP status ${status}` : `${message} (${status})`
  const code: FailureCode =
    error === 'appliance.disabled'
      ? 'manager.disabled'
      : error === 'appliance.unknown'
        ? 'manager.credentials'
        : status === 407 || status === 408 || status === 429 || status >= 502
          ? 'manager.unreachable'
          : status < 500
            ? 'manager.refused'
            : 'manager.failed'
  const seconds = Number(retryAfter)
  return new Failure(code, `The manager answered: ${said}`, {
    status,
    ...(seconds > 0 && { retryAfterMs: seconds * 1000 }),
  })
}

function refusedBody(text: string): { readonly error: string; readonly message: string } {
  try {
    const { error = '', message = '' } = JSON.parse(text) as { error?: unknown; message?: unknown }
    return { error: String(error), message: sentenceOf(String(message)) }
  } catch {
    return { error: '', message: sentenceOf(text) }
  }
}
