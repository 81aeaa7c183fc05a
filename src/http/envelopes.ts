/**
 * The shapes in which the API refuses. Each of the specification's two pages has its own; everything else uses the one
 * of the YARA page. `error` is the code of src/errors, for programs; `message` is for people.
 */
import { type TSchema, Type } from 'typebox'
import type { Failure } from '../errors/index.ts'

export interface Envelope {
  readonly schema: TSchema
  readonly contentType: string
  /** How callers make themselves known, for the header of a 401. */
  readonly challenge: string
  /** The body of a refusal that is answered with `status`. */
  render(failure: Failure, status: number): object | string
}

const json = { contentType: 'application/json; charset=utf-8', challenge: 'Token' } as const

/** `code` repeats the HTTP status. */
export const yaraEnvelope: Envelope = {
  ...json,
  schema: Type.Object({
    code: Type.Integer(),
    error: Type.String(),
    message: Type.String(),
    detail: Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())]),
  }),
  render: (failure, status) => ({
    code: status,
    error: failure.code,
    message: failure.message,
    detail: detailOf(failure),
  }),
}

/** `status` is the state that stood in the way, where there is one. */
export const retroEnvelope: Envelope = {
  ...json,
  schema: Type.Object({
    success: Type.Literal(false),
    error: Type.String(),
    message: Type.String(),
    status: Type.Union([Type.Object({ state: Type.String() }), Type.Null()]),
    detail: Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())]),
  }),
  render: (failure) => ({
    success: false,
    error: failure.code,
    message: failure.message,
    status: typeof failure.detail.state === 'string' ? { state: failure.detail.state } : null,
    detail: detailOf(failure),
  }),
}

function detailOf(failure: Failure): string | object {
  // Clients of the Django framework's stock answers look for the sentence in `detail`.
  return failure.code.startsWith('credentials.') ? failure.message : failure.detail
}

/** What may refuse any request, whatever its endpoint. */
const everywhere = {
  408: 'The request did not arrive in time.',
  413: 'The request is larger than allowed.',
  415: 'The body is in none of the content types that this endpoint reads.',
  429: 'Too many requests from this address.',
  500: 'The server failed; the message names the request for the operator.',
  503: 'The server is stopping, overloaded or out of space.',
}

/** Response schemas for the refusals of an endpoint: its own, by status, and those that any endpoint may give. */
export function refusals(envelope: Envelope, own: Readonly<Record<number, string>>): Record<number, TSchema> {
  return Object.fromEntries(
    Object.entries({ ...everywhere, ...own }).map(([status, description]) => [
      status,
      { ...envelope.schema, description },
    ]),
  )
}
