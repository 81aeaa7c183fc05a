/**
 * Secrets and signatures of the Standard Webhooks specification (https://www.standardwebhooks.com), version 1: a secret
 * is `whsec_` and the base64 form of 24 to 64 bytes; what is signed is the id, the time and the body, with a full stop
 * between them.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Failure } from '../errors/index.ts'

const PREFIX = 'whsec_'
const NEW_BYTES = 32

export function newSecret(): string {
  return PREFIX + randomBytes(NEW_BYTES).toString('base64')
}

/** `notification.invalid`. */
export function checkedSecret(given: string): string {
  const encoded = given.startsWith(PREFIX) ? given.slice(PREFIX.length) : ''
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length < 24 || bytes.length > 64 || bytes.toString('base64') !== encoded) {
    throw new Failure('notification.invalid', 'A secret is whsec_ and the base64 form of 24 to 64 bytes.')
  }
  return given
}

/** The headers of one attempt. `second` is the time of the attempt, in Unix seconds. */
export function signedHeaders(secret: string, id: string, second: number, body: string): Record<string, string> {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${second}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(second), 'webhook-signature': `v1,${signature}` }
}
