import { type TSchema, Type } from 'typebox'
import type { Envelope } from '../envelopes.ts'

/** How a cloud refuses: with one sentence of plain text. */
export const plainEnvelope: Envelope = {
  schema: Type.String(),
  contentType: 'text/plain; charset=utf-8',
  challenge: 'Basic realm="Backtrail", charset="UTF-8"',
  render: (failure) => failure.message,
}

/** What may refuse any request, whatever its endpoint. */
const everywhere = {
  401: 'The name or the password is missing or wrong.',
  408: 'The request did not arrive in time.',
  413: 'The request is larger than allowed.',
  415: 'The body is in none of the content types that this endpoint reads.',
  429: 'Too many requests, or failed ones; Retry-After tells when to come again.',
  500: 'The server failed; its log has the reason.',
  503: 'The server is stopping, overloaded or out of space.',
}

/** Response schemas for the refusals of an endpoint: its own, by status, and those that any endpoint may give. */
export function plainRefusals(own: Readonly<Record<number, string>>): Record<number, TSchema> {
  return Object.fromEntries(
    Object.entries({ ...everywhere, ...own }).map(([status, description]) => [
      status,
      { description, content: { 'text/plain': { schema: plainEnvelope.schema } } } as unknown as TSchema,
    ]),
  )
}
