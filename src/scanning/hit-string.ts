import type { StringHit } from './tasks.ts'

/** A string of a match as it is stored and shown. */
export interface HitString {
  readonly identifier: string
  readonly offset: number
  /** Of the whole match, in bytes. */
  readonly length: number
  /** Bytes around and of the match, at most 64, as hexadecimal digits and as text with a dot for what cannot be shown. */
  readonly hex: string
  readonly text: string
  /** Where in those bytes the match starts. */
  readonly start: number
}

export function hitString({ identifier, offset, length, context, contextStart }: StringHit): HitString {
  const bytes = Buffer.from(context.buffer, context.byteOffset, context.byteLength)
  const text = bytes.toString('latin1').replace(/[^ -~]/g, '.')
  return { identifier, offset, length, hex: bytes.toString('hex'), text, start: contextStart }
}
