/*
 * From what people store in rule files to the text that is parsed, compiled and kept.
 *
 * YARA texts are UTF-8 here and in the engine. Editors write other things: a byte order mark, UTF-16 with or without one
 * (Windows), single bytes of Windows-1252 (authors' names in old rules). None of it shows, so none of it may be refused
 * as a "syntax error":
 *
 * - marks are taken off, at the start and, where files were joined, between rules;
 * - UTF-16 is recognised by its mark or by its zero bytes;
 * - bytes that are no UTF-8 become the characters of Windows-1252 in comments and metadata. In strings and conditions
 *   they are written as `\xE9`: the rule means that byte, and the character would be two others.
 */
import { codeRanges, tokensOf } from './tokens.ts'

const MARK = 0xfeff
/** Characters of a text in which marks are looked for between the rules: this happens where requests are answered. */
const SEARCHED = 1024 * 1024

/** The text of a rule file. Never fails: see above. */
export function decodeRules(bytes: Uint8Array): string {
  const wide = wideEncodingOf(bytes)
  if (wide !== null) return ruleText(new TextDecoder(wide).decode(bytes))
  try {
    return ruleText(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return ruleText(decodeMixed(bytes))
  }
}

/**
 * A text that came as text, as it is kept: well-formed, without byte order marks outside strings and comments, and with the
 * character 0, which PostgreSQL cannot keep, written `\x00`.
 */
export function ruleText(given: string): string {
  let text = withoutNul(given.toWellFormed())
  while (text.charCodeAt(0) === MARK) text = text.slice(1)
  if (text.length > SEARCHED || !text.includes('\uFEFF')) return text
  // A blank in its place: positions stay.
  let result = ''
  let at = 0
  for (const { from, to } of codeRanges(text)) {
    result += text.slice(at, from) + text.slice(from, to).replaceAll('\uFEFF', ' ')
    at = to
  }
  return result + text.slice(at)
}

/** Characters 0 in a text that anybody means as rules. */
const MOST_NULS = 10_000

/** Behind a backslash it stays, and the text is refused; so do all of a text that has very many. */
function withoutNul(text: string): string {
  const pieces: string[] = []
  let from = 0
  for (let at = text.indexOf('\0'); at >= 0; at = text.indexOf('\0', at + 1)) {
    let slashes = 0
    while (text[at - slashes - 1] === '\\') slashes++
    if (slashes % 2 === 1) continue
    if (pieces.length > 2 * MOST_NULS) return text
    pieces.push(text.slice(from, at), '\\x00')
    from = at + 1
  }
  return pieces.join('') + text.slice(from)
}

function wideEncodingOf(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  // Without a mark: rules begin with ASCII, so every second byte of the beginning is zero.
  const head = bytes.subarray(0, 64)
  if (head.length < 4 || bytes.length % 2 !== 0) return null
  const zeros = (parity: 0 | 1) => head.every((byte, i) => i % 2 !== parity || byte === 0)
  const others = (parity: 0 | 1) => head.every((byte, i) => i % 2 !== parity || byte !== 0)
  if (zeros(1) && others(0)) return 'utf-16le'
  if (zeros(0) && others(1)) return 'utf-16be'
  return null
}

/** UTF-8 where it is, single bytes of Windows-1252 where it is not. */
function decodeMixed(bytes: Uint8Array): string {
  const windows = new TextDecoder('windows-1252')
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  const alone: { readonly at: number; readonly byte: number }[] = []
  let from = 0
  const take = (to: number) => {
    if (to > from) text += utf8.decode(bytes.subarray(from, to))
    from = to
  }
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    take(at)
    alone.push({ at: text.length, byte: bytes[at] as number })
    text += windows.decode(bytes.subarray(at, at + 1))
    from = ++at
  }
  take(bytes.length)
  return escapePatternBytes(text, alone)
}

/** The bytes that a character of UTF-8 takes at this place; 0 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : (first & 0xf0) === 0xe0 ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0
  if (length === 0) return 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] as number
  // Overlong forms, surrogates, and what lies beyond Unicode.
  if (first === 0xe0 && second < 0xa0) return 0
  if (first === 0xed && second > 0x9f) return 0
  if (first === 0xf0 && second < 0x90) return 0
  if (first === 0xf4 && second > 0x8f) return 0
  return length
}

function escapePatternBytes(text: string, alone: readonly { readonly at: number; readonly byte: number }[]): string {
  let result = ''
  let done = 0
  let next = 0
  for (const token of tokensOf(text)) {
    while (next < alone.length && (alone[next]?.at ?? 0) < token.from) next++
    if (token.kind !== 'text' && token.kind !== 'regexp') continue
    for (; next < alone.length && (alone[next]?.at ?? 0) < token.to; next++) {
      const { at, byte } = alone[next] as { at: number; byte: number }
      if (token.section === 'meta') continue
      result += `${text.slice(done, at)}\\x${byte.toString(16).toUpperCase()}`
      done = at + 1
    }
  }
  return result + text.slice(done)
}
