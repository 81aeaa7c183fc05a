import { signerHash } from '../index/index.ts'
import { memoized } from './memoized.ts'
import type { Fact, Plan } from './plan.ts'
import { programMayHold } from './program-match.ts'
import { type SampleVariables, variableMayHold } from './variables.ts'

/** What the index stores of a sample beside the bits. */
export interface SampleFacts {
  /** Bytes in the sample. */
  readonly size: number
  /** The sample's first bytes: all of them when it is shorter than the index's `HEAD_BYTES`. */
  readonly head: Uint8Array
  readonly md5: Uint8Array
  readonly sha1: Uint8Array
  readonly sha256: Uint8Array
  /** Hashes of the signers' serial numbers (`signerHash` of the index); null where they are not known. */
  readonly signers: Uint32Array | null
  /** What the header of a Windows program says (`encodeProgram` of the index); null where it is not known. */
  readonly program: Uint32Array | null
}

/** One sample's signature, as a plan asks it. A signature that cannot filter answers `true` to every gram. */
export interface SampleSignature extends SampleFacts {
  /** False only when no window of the sample folds to this gram. */
  has(channel: 'plain' | 'wide', gram: number): boolean
  /** The same for a long window; true where the index does not know the sample's long windows. */
  hasLongGram(channel: 'plain' | 'wide', gram: number): boolean
  /** The same for the text window that has this hash. */
  hasText(hash: number): boolean
  /** The same for the word that has this hash. */
  hasWord(hash: number): boolean
}

/** What the sample is called, each time; null where it is not known. */
type Variables = readonly SampleVariables[] | null

/** Whether the plan cannot rule the sample out. Never false for a sample that satisfies what the plan was made from. */
export function mayMatch(plan: Plan, signature: SampleSignature, variables: Variables = null): boolean {
  switch (plan.kind) {
    case 'may':
      return true
    case 'never':
      return false
    case 'and':
      for (const part of plan.parts) if (!mayMatch(part, signature, variables)) return false
      return true
    case 'or':
      for (const part of plan.parts) if (mayMatch(part, signature, variables)) return true
      return false
    case 'atLeast': {
      let missing = plan.count
      let left = plan.parts.length
      for (const part of plan.parts) {
        if (missing <= 0) return true
        if (left < missing) return false
        if (mayMatch(part, signature, variables)) missing--
        left--
      }
      return missing <= 0
    }
    case 'grams': {
      const { grams, longGrams, textHashes, wordHashes, channel } = plan
      for (const hash of textHashes) if (!signature.hasText(hash)) return false
      for (const hash of wordHashes) if (!signature.hasWord(hash)) return false
      for (let i = 0; i < longGrams.length; i++)
        if (!signature.hasLongGram(channel, longGrams[i] as number)) return false
      for (let i = 0; i < grams.length; i++) if (!signature.has(channel, grams[i] as number)) return false
      return true
    }
    case 'fact':
      return factMayHold(plan.fact, signature, variables)
  }
}

/** Whether the fact holds, or cannot be decided from what is stored. */
export function factMayHold(fact: Fact, sample: SampleFacts, variables: Variables = null): boolean {
  const { size, head } = sample
  switch (fact.kind) {
    case 'size':
      return size >= fact.min && size <= fact.max
    case 'bytes': {
      const { offset, value, mask } = fact
      if (size < offset + value.length) return false
      const decidable = Math.min(value.length, head.length - offset)
      for (let i = 0; i < decidable; i++) {
        if (((head[offset + i] as number) & (mask[i] as number)) !== value[i]) return false
      }
      return true
    }
    case 'integer': {
      if (size < fact.offset + fact.width) return false
      if (fact.offset + fact.width > head.length) return true
      const value = readInteger(head, fact.offset, fact.width, fact.signed, fact.bigEndian)
      return value >= fact.min && value <= fact.max
    }
    case 'signer': {
      const hashes = signerHashes(fact)
      return sample.signers?.some((signer) => hashes.has(signer)) ?? true
    }
    case 'program':
    case 'programText':
    case 'entry':
      return programMayHold(fact, sample.program, size)
    case 'variable':
      return variables?.some((one) => variableMayHold(fact, one[fact.variable])) ?? true
    case 'hash':
      return sameBytes(sample[fact.algorithm], fact.digest)
  }
}

function readInteger(bytes: Uint8Array, offset: number, width: 1 | 2 | 4, signed: boolean, bigEndian: boolean): number {
  let value = 0
  for (let i = 0; i < width; i++) {
    value = value * 256 + (bytes[bigEndian ? offset + i : offset + width - 1 - i] as number)
  }
  const range = 256 ** width
  return signed && value >= range / 2 ? value - range : value
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false
  return true
}

/** The hashes of a fact's serial numbers. */
export const signerHashes = memoized(
  ({ serials }: Extract<Fact, { readonly kind: 'signer' }>): ReadonlySet<number> => new Set(serials.map(signerHash)),
)
