/**
 * Ed25519 over `backtrail-manager-1`, the nonce of the request and the payload, with zero bytes between them. Keys travel
 * as the base64 of their DER: PKCS #8 for the private one, SPKI for the public one.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  verify,
} from 'node:crypto'

const DOMAIN = 'backtrail-manager-1'

/** A new private key. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
}

/** The public key of a private one. */
export function publicKeyOf(privateKey: string): string {
  return createPublicKey(readPrivateKey(privateKey)).export({ format: 'der', type: 'spki' }).toString('base64')
}

/** 128 random bits in hexadecimal digits. */
export function newNonce(): string {
  return randomBytes(16).toString('hex')
}

export function sign(payload: string, nonce: string, privateKey: string): string {
  return signBytes(null, message(payload, nonce), readPrivateKey(privateKey)).toString('base64')
}

/** Null for a text that is no Ed25519 key. */
export function readPublicKey(text: string): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'ed25519' ? key : null
  } catch {
    return null
  }
}

export function isSigned(payload: string, nonce: string, signature: string, publicKey: KeyObject): boolean {
  return verify(null, message(payload, nonce), publicKey, Buffer.from(signature, 'base64'))
}

function readPrivateKey(text: string): KeyObject {
  return createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
}

function message(payload: string, nonce: string): Buffer {
  return Buffer.from(`${DOMAIN}\0${nonce}\0${payload}`)
}
