/** A close look at one sample: where the strings of its matches are, and how random its bytes are along the file. */
export { type EntropyProfile, Inspection, type MatchedRule, type MatchedStrings } from './inspection.ts'
