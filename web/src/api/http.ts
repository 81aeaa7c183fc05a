/**
 * Requests to the server that served this application. The session's cookie goes along by itself; the header says that
 * the request comes from our own page (src/http/session.ts has the reason).
 */

import { isGatewayWithout, noteLost } from './connection.ts'
import { atServer } from './root.ts'

/** What the server refused, in its own words. */
export class Refusal extends Error {
  readonly status: number
  /** A code of the catalogue, such as `ruleset.foreign`. */
  readonly code: string
  readonly detail: Readonly<Record<string, unknown>>

  constructor(status: number, body: { error?: unknown; message?: unknown; detail?: unknown }) {
    super(typeof body.message === 'string' ? body.message : `The server answered with status ${status}.`)
    this.status = status
    this.code = typeof body.error === 'string' ? body.error : 'unknown'
    this.detail = typeof body.detail === 'object' && body.detail !== null ? { ...body.detail } : {}
  }
}

/** The server could not be reached, or hung up. */
export class Unreachable extends Error {
  constructor() {
    super('The server cannot be reached. Nothing that you entered is lost: try again when it is back.')
  }
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>

export interface Call {
  /** Empty, null and undefined values are left out; a list is repeated. */
  readonly query?: Query
  readonly json?: unknown
  readonly form?: FormData
  readonly signal?: AbortSignal | undefined
}

/** Told when the server no longer knows the session, so that the log-in page can take over. */
export const sessionEnded = new EventTarget()

export const ownPageHeader = { 'x-backtrail-page': '1' }

/** The answer's body as JSON, null where it has none. Fails with `Refusal` or `Unreachable`. */
export async function call<T>(method: string, path: string, asked: Call = {}): Promise<T> {
  const response = await send(method, path, asked)
  if (response.status === 204) return null as T
  try {
    return (await response.json()) as T
  } catch (error) {
    // The connection broke within the answer.
    if (error instanceof TypeError && !asked.signal?.aborted) throw lost()
    throw error
  }
}

/** The answer itself, for what is streamed. Fails as `call` does. */
export async function send(method: string, path: string, { query, json, form, signal }: Call = {}): Promise<Response> {
  const headers: Record<string, string> = { ...ownPageHeader }
  if (json !== undefined) headers['content-type'] = 'application/json'
  const body = json !== undefined ? JSON.stringify(json) : form
  let response: Response
  try {
    response = await fetch(atServer(addressOf(path, query)), {
      method,
      headers,
      credentials: 'same-origin',
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw lost()
  }
  if (response.ok) return response
  const refusal = new Refusal(response.status, await response.json().catch(() => ({})))
  if (isGatewayWithout(response.status) && refusal.code === 'unknown') throw lost()
  if (refusal.code.startsWith('credentials.')) sessionEnded.dispatchEvent(new Event('ended'))
  throw refusal
}

function lost(): Unreachable {
  noteLost()
  return new Unreachable()
}

/** `path` with the query that has anything to say. */
export function addressOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== '') search.append(name, String(each))
    }
  }
  return search.size > 0 ? `${path}?${search}` : path
}
