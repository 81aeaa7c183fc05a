/** What somebody has searched for. */
export type Pasted =
  | { readonly kind: 'nothing' }
  /** A word, a phrase, a digest or the beginning of one. */
  | { readonly kind: 'text'; readonly text: string }
  /** Digests in small letters, each once, out of a list, a report or a line of a log. */
  | { readonly kind: 'hashes'; readonly hashes: readonly string[] }

const wholeHash = /(?<![\da-z])(?:[\da-f]{128}|[\da-f]{64}|[\da-f]{40}|[\da-f]{32})(?![\da-z])/gi

export function readPasted(pasted: string): Pasted {
  const text = pasted.trim()
  // No text that is stored has such characters, and not every database takes them.
  if (text === '' || text.includes('\0') || !text.isWellFormed()) return { kind: 'nothing' }
  const hashes = [...new Set([...text.matchAll(wholeHash)].map(([hash]) => hash.toLowerCase()))]
  return hashes.length > 0 && /[\s,;]/.test(text) ? { kind: 'hashes', hashes } : { kind: 'text', text }
}

const LEAST_DIGITS = 4

/** The digits of a TLSH behind its `T1`, or of its beginning; null for what is none. */
export function tlshDigitsOf(text: string): string | null {
  return /^T1([\da-f]{4,70})$/i.exec(text)?.[1]?.toLowerCase() ?? null
}

/** The digits of a digest, or of its beginning; null for what is none. */
export function digitsOf(text: string): string | null {
  return text.length >= LEAST_DIGITS && text.length <= 128 && /^[\da-f]+$/i.test(text) ? text.toLowerCase() : null
}
