import { createHash } from 'node:crypto'

/** Characters that are encoded at a time: in one piece, the copy in new memory takes longer than the work itself. */
const SLICE = 64 * 1024

/** SHA-256 of a text in UTF-8, as of a file with it. */
export function textDigest(text: string): Buffer {
  const digest = createHash('sha256')
  for (const slice of slicesOf(text)) digest.update(slice)
  return digest.digest()
}

/** The text in parts that can be encoded one by one. */
export function* slicesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const to = from + SLICE + (isHighSurrogate(text, from + SLICE - 1) ? 1 : 0)
    yield text.slice(from, to)
    from = to
  }
}

/** The first half of a character that takes two places. */
function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800
}
