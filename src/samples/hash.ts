import { Failure } from '../errors/index.ts'
import type { HashKind } from '../query/index.ts'

export type { HashKind }

export interface Hash {
  readonly kind: HashKind
  readonly bytes: Uint8Array
  /** Lower case. */
  readonly hex: string
}

const kindByDigits: Readonly<Record<number, HashKind>> = { 32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512' }

/** Reads a hash of any of the four kinds, in either case, blanks around it ignored. Throws `hash.malformed`. */
export function parseHash(text: string): Hash {
  const hex = text.trim().toLowerCase()
  const kind = kindByDigits[hex.length]
  if (kind === undefined || !/^[0-9a-f]+$/.test(hex)) throw new Failure('hash.malformed')
  return { kind, bytes: Buffer.from(hex, 'hex'), hex }
}

/** Several hashes, by kind. Throws `hash.malformed`. */
export function parseHashes(texts: readonly string[]): Map<HashKind, Hash[]> {
  return Map.groupBy(texts.map(parseHash), ({ kind }) => kind)
}
