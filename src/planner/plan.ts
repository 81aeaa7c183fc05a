import type { ProgramField } from '../index/index.ts'
import type { Span } from '../yara/index.ts'

/**
 * A plan is what a rule demands of a sample, as far as it can be decided without reading the sample.
 *
 * Its answer is "cannot match" or "may match". It is a boolean tree without negation: dropping a demand, or widening
 * one, can only let more samples through, so every simplification below errs on the safe side. Whatever is not
 * understood is `may`.
 */
export type Plan =
  /** Nothing is demanded: every sample may match. `givenUp`: it is so because of a bound, or of something not known. */
  | { readonly kind: 'may'; readonly why: string; readonly givenUp?: true }
  /** No sample can match, for example `condition: false`. */
  | { readonly kind: 'never'; readonly why: string }
  | { readonly kind: 'and'; readonly parts: readonly Plan[] }
  | { readonly kind: 'or'; readonly parts: readonly Plan[] }
  /** At least `count` of the parts; `parts` never holds a `may` (each lowers `count` instead). */
  | { readonly kind: 'atLeast'; readonly count: number; readonly parts: readonly Plan[] }
  | GramsPlan
  | FactPlan

/**
 * All these n-grams occur in the sample.
 *
 * `grams` are windows of four bytes after ASCII folding, first byte in the low bits, in an order that puts the most
 * selective ones first (an evaluation may stop after any of them). Grams of the `wide` channel are the four characters
 * of a UTF-16LE window with its zero bytes left out. A literal of three bytes may have a word only.
 */
export interface GramsPlan {
  readonly kind: 'grams'
  readonly channel: 'plain' | 'wide'
  readonly grams: Uint32Array
  /**
   * Windows of `LONG_BYTES` bytes of the same literal, as integers up to 2^48, in the same order; asked of samples that
   * have their long windows in the index, before the others.
   */
  readonly longGrams: Float64Array
  /** Hashes of the literal's text windows, best first; asked of samples that have theirs in the index, before the grams. */
  readonly textHashes: Uint32Array
  /** The same of its words: of those that end within it, or with it where nothing may go on. */
  readonly wordHashes: Uint32Array
  /** The string or literal that demands it, for `explain`: `$a`, `$a (xor 0x41)`, `pe.signatures[].serial`. */
  readonly label: string
}

/** An exact fact about the sample, decided from what the index stores beside the bits. */
export interface FactPlan {
  readonly kind: 'fact'
  readonly fact: Fact
}

export type Fact =
  /** `min <= filesize <= max`, both inclusive; `max` may be Infinity. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  /**
   * `(byte[offset + i] & mask[i]) === value[i]` for every i. A sample too short for it fails. Offsets beyond the
   * stored head (`HEAD_BYTES` of the index) cannot be decided and answer "may".
   */
  | { readonly kind: 'bytes'; readonly offset: number; readonly value: Uint8Array; readonly mask: Uint8Array }
  /** An integer read at a constant offset lies in the inclusive range. */
  | {
      readonly kind: 'integer'
      readonly offset: number
      readonly width: 1 | 2 | 4
      readonly signed: boolean
      readonly bigEndian: boolean
      readonly min: number
      readonly max: number
    }
  /** One of the sample's signers has one of these serial numbers, as the engine prints them: `77:01:9a`. Ascending. */
  | { readonly kind: 'signer'; readonly serials: readonly string[] }
  /**
   * The variable compares so with one of the values: bytes, a character each; folded where the case does not matter. Only
   * one value is `isNegated`: it does not compare so.
   */
  | {
      readonly kind: 'variable'
      readonly variable: VariableName
      readonly relation: TextRelation
      readonly ignoresCase: boolean
      readonly isNegated: boolean
      readonly values: readonly string[]
    }
  /**
   * A field of a Windows program, under a mask, lies in the inclusive range (none where `max` is below `min`), or has no
   * value where that is as good.
   */
  | {
      readonly kind: 'program'
      readonly field: ProgramField
      readonly mask: number
      readonly min: number
      readonly max: number
      readonly orUndefined: boolean
    }
  /** A field of a Windows program, a text, is one of these, as the engine prints them. Ascending. */
  | { readonly kind: 'programText'; readonly field: ProgramField; readonly texts: readonly string[] }
  /** As `bytes`, at an offset from the entry point of a Windows program. */
  | { readonly kind: 'entry'; readonly offset: number; readonly value: Uint8Array; readonly mask: Uint8Array }
  /** The whole sample has this digest. */
  | { readonly kind: 'hash'; readonly algorithm: 'md5' | 'sha1' | 'sha256'; readonly digest: Uint8Array }

/** External variables: what is known of a sample besides its bytes. */
export type VariableName = 'filename' | 'filepath' | 'extension' | 'filetype' | 'owner'

export type TextRelation = 'equals' | 'contains' | 'startswith' | 'endswith'

/** The plans of one ruleset: a sample is a candidate for the ruleset when one of its public rules may match. */
export interface RulesetPlan {
  /** The rules of the text; those that were found where not all were. */
  readonly rules: readonly RulePlan[]
  /** What is hunted without the index because it was not understood, or would have cost too much. */
  readonly warnings: readonly PlanWarning[]
  /** What a sample must satisfy for any reported rule of the ruleset to match. */
  readonly plan: Plan
}

export interface PlanWarning {
  readonly message: string
  /** Where it stands in the text. */
  readonly span: Span
}

export interface RulePlan {
  readonly rule: string
  readonly isPrivate: boolean
  readonly plan: Plan
  /** Strings that cannot use the index, with the reason in plain words. */
  readonly unindexable: readonly { readonly identifier: string; readonly why: string }[]
  /** What a small change to the rule would gain, in plain words. */
  readonly advice: readonly string[]
}
