/**
 * What a query demands of a sample, as a tree. Values are read already: hashes are hexadecimal digits, times are
 * microseconds, so whoever answers it needs to know nothing of how it was written.
 */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** A digest of the sample begins with these digits, or, where there are enough of them, is this one. */
  | { readonly kind: 'hash'; readonly of: HashKind | 'any'; readonly digits: string }
  /** Its TLSH begins with these digits, those behind `T1`, or is this one. */
  | { readonly kind: 'tlsh'; readonly digits: string }
  /** An archive with such a digest holds it. */
  | { readonly kind: 'parent'; readonly digits: string }
  /** One of the texts fits. */
  | { readonly kind: 'text'; readonly field: TextField; readonly pattern: Pattern }
  /** Something that a program is made of fits. */
  | { readonly kind: 'program'; readonly field: ProgramField; readonly pattern: Pattern }
  | { readonly kind: 'number'; readonly field: NumberField; readonly bounds: Bounds }
  | { readonly kind: 'classification'; readonly is: 0 | 1 | 2 | 3 }
  | { readonly kind: 'stored'; readonly is: boolean }

export type HashKind = 'md5' | 'sha1' | 'sha256' | 'sha512'

const textFields = [
  /** Any of the names of the sample; `latestname` is the one it was last seen under. */
  'name',
  'latestname',
  'folder',
  'owner',
  'sender',
  /** How it came in: `upload`, `ingest` or `member`. */
  'source',
  'type',
  'threat',
  'tag',
  'ruleset',
  'rule',
] as const
export type TextField = (typeof textFields)[number]

/** What a program is made of: src/programs/traits.ts has the values. */
export const programFields = [
  'format',
  'machine',
  'imphash',
  'rich-hash',
  'pdb',
  'build-id',
  'section',
  'import',
  'export',
  'signer',
  'serial',
  'company',
  'product',
  'description',
  'original-name',
  'dotnet-module',
  'mvid',
] as const
export type ProgramField = (typeof programFields)[number]

const numberFields = ['size', 'riskscore', 'filecount', 'firstseen', 'lastseen', 'compiled'] as const
export type NumberField = (typeof numberFields)[number]

/** Both inclusive; null where there is no bound. */
export interface Bounds {
  readonly from: number | null
  readonly to: number | null
}

/** Literal texts, and wildcards between them: `many` for any characters, `one` for one. ASCII case does not matter. */
export type Pattern = readonly (string | { readonly wildcard: 'many' | 'one' })[]

/** The text itself where there is no wildcard, else null. */
export function literalOf(pattern: Pattern): string | null {
  return pattern.every((piece) => typeof piece === 'string') ? pattern.join('') : null
}

/** How many digits a digest has. */
export const hashDigits: Readonly<Record<HashKind, number>> = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }
