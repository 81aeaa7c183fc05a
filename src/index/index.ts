/**
 * The n-gram index: what neighbours may use. `docs/index-design.md` tells the idea, the formats and the tuning.
 */
export { segmentReads } from './block-file.ts'
export {
  bitOf,
  type Channel,
  gramHash,
  isLetterOrDigit,
  isText,
  LONG_BYTES,
  LONGEST_WORD,
  longGramHash,
  SHORTEST_WORD,
  TEXT_LENGTHS,
  textHash,
  type WindowKind,
  wordHashes,
} from './gram.ts'
export { planMerge, type SegmentExtent, TIERS } from './merge-plan.ts'
export { mergeSegments } from './merging.ts'
export {
  ENTRY_BYTES,
  ENTRY_WORD,
  encodeProgram,
  type FieldValue,
  type ProgramColumns,
  type ProgramField,
  placeOf,
  programFields,
} from './program.ts'
export type { SegmentSummary } from './segment-assembly.ts'
export type { HashAlgorithm } from './segment-format.ts'
export { type SegmentGroup, SegmentReader } from './segment-reader.ts'
export { type SignedSample, writeSegment } from './segment-writer.ts'
export { agree, HEAD_BYTES, hasWords, type SampleDigests, SignatureView } from './signature.ts'
export { SIGNERS_UNKNOWN, type SignerColumns, signerHash } from './signers.ts'
export { type EngineFacts, noProgram, nothingKnown, sign, signFile } from './signing.ts'
