/** Matched strings as tools show them: the bytes of the match, and none around it. */
import { type Static, Type } from 'typebox'
import { MatchedStringShape } from '../contract/samples.ts'

const { identifier, offset, length } = MatchedStringShape.properties

export const OwnBytesShape = Type.Object({
  identifier,
  offset,
  length,
  hex: Type.String({ description: 'the first bytes of the match' }),
  text: Type.String({ description: 'the same bytes, a dot for what is not printable ASCII' }),
})

/** Bytes that are kept of a match; what follows them is the same number of bytes as before it, of the sample around it. */
const SHOWN = 32

export function ownBytes({
  identifier,
  offset,
  length,
  hex,
  text,
  start,
}: Static<typeof MatchedStringShape>): Static<typeof OwnBytesShape> {
  const shown = Math.min(length, SHOWN)
  return {
    identifier,
    offset,
    length,
    hex: hex.slice(start * 2, (start + shown) * 2),
    text: text.slice(start, start + shown),
  }
}
