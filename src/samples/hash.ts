export type HashKind = 'md5' | 'sha1' | 'sha256' | 'sha512'

export interface Hash {
  readonly kind: HashKind
  readonly bytes: Uint8Array
  /** Lower case. */
  readonly hex: string
}

/** Reads a hash of any of the four kinds, in either case, blanks around it ignored. Throws `hash.malformed`. */
export declare function parseHash(text: string): Hash
