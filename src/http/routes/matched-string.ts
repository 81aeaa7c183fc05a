import { Type } from 'typebox'

/** A place where a string of a rule was found. */
export const MatchedStringShape = Type.Object({
  identifier: Type.String(),
  offset: Type.Integer(),
  length: Type.Integer(),
  hex: Type.String({ description: 'bytes of the match and around it' }),
  text: Type.String({ description: 'the same bytes, a dot for what is not printable ASCII' }),
  start: Type.Integer({ description: 'where in those bytes the match starts' }),
})
