/** The YARA language: text in, syntax tree and diagnostics out. Nothing here reads or writes anything by itself. */
export { defaultBudget, type ParseBudget } from './budget.ts'
export { Diagnostics } from './diagnostics.ts'
export { fingerprints } from './fingerprint.ts'
export {
  type Assembled,
  assemble,
  type IncludeFolder,
  IncludeRefusal,
  LONGEST_SOURCE,
  type Piece,
  type Place,
  placeIn,
} from './includes.ts'
export { type LeftOut, leaveOut, leaveOutRules, runnableText } from './left-out.ts'
export { parse } from './parse.ts'
export { Places } from './places.ts'
export { type RulePart, rulePartsOf, textOfParts } from './rule-parts.ts'
export { decodeRules, ruleText } from './source-text.ts'
export type * from './syntax.ts'
export { endOfLongText, type Statement } from './tokens.ts'
