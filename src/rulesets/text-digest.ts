import { createHash } from 'node:crypto'

/** Characters that are digested at a time: in one piece, the copy in new memory takes longer than the digest itself. */
const SLICE = 64 * 1024

/** SHA-256 of a text, in UTF-16. */
export function textDigest(text: string): Buffer {
  const hash = createHash('sha256')
  for (let at = 0; at < text.length; at += SLICE) hash.update(text.slice(at, at + SLICE), 'utf16le')
  return hash.digest()
}
