import type { Span } from './syntax.ts'

/** Called with a problem inside a literal; the span is in the whole text. */
export type Complain = (code: string, message: string, span: Span) => void

const I64_MAX = 2n ** 63n - 1n

/**
 * integer := '0x' hex+ | '0o' octal+ | decimal+ ('KB' | 'MB')?, with underscores anywhere but in front.
 * Null when it does not fit 64 signed bits.
 */
export function integerValue(source: string): bigint | null {
  const unit = source.endsWith('KB') ? 1024n : source.endsWith('MB') ? 1024n * 1024n : 1n
  const digits = (unit === 1n ? source : source.slice(0, -2)).replaceAll('_', '')
  const value = BigInt(digits) * unit
  return value > I64_MAX ? null : value
}

/** float := digit+ '.' digit+, with underscores. */
export function floatValue(source: string): number {
  return Number(source.replaceAll('_', ''))
}

const encoder = new TextEncoder()
const simpleEscapes: Readonly<Record<string, number>> = {
  n: 0x0a,
  t: 0x09,
  r: 0x0d,
  '"': 0x22,
  '\\': 0x5c,
  0: 0x00,
}

/**
 * text := '"' character* '"' | '"""' character* '"""', where character may be `\n` `\t` `\r` `\0` `\"` `\\` or `\xNN`.
 * Gives the UTF-8 bytes with the escapes resolved. `at` is the offset of the literal in the whole text.
 */
export function textBytes(source: string, at: number, complain: Complain): Uint8Array {
  const quotes = source.startsWith('"""') ? 3 : 1
  const end = source.length >= 2 * quotes && source.endsWith('"') ? source.length - quotes : source.length
  let backslash = source.indexOf('\\', quotes)
  if (backslash < 0 || backslash >= end) return encoder.encode(source.slice(quotes, end))
  const bytes: number[] = []
  let position = quotes
  while (backslash >= 0 && backslash < end) {
    for (const byte of encoder.encode(source.slice(position, backslash))) bytes.push(byte)
    const letter = source[backslash + 1] ?? ''
    const simple = simpleEscapes[letter]
    const digits = source.slice(backslash + 2, Math.min(backslash + 4, end))
    position = backslash + 2
    if (simple !== undefined) {
      bytes.push(simple)
    } else if (letter === 'x' && /^[0-9a-fA-F]{2}$/.test(digits)) {
      bytes.push(Number.parseInt(digits, 16))
      position = backslash + 4
    } else {
      const span = { from: at + backslash, to: at + Math.min(backslash + 2, source.length) }
      complain(
        'escape-invalid',
        `\\${letter} is not an escape sequence; expected \\n, \\t, \\r, \\0, \\", \\\\ or \\xNN`,
        span,
      )
    }
    backslash = source.indexOf('\\', position)
  }
  if (position < end) for (const byte of encoder.encode(source.slice(position, end))) bytes.push(byte)
  return Uint8Array.from(bytes)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The same as a string, for the values that are never matched: metadata, names of modules. */
export function textValue(source: string, at: number, complain: Complain): string {
  return decoder.decode(textBytes(source, at, complain))
}
