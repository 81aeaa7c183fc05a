import { ENTRY_BYTES, ENTRY_WORD, placeOf, type SegmentGroup, signerHash } from '../index/index.ts'
import type { Fact } from './plan.ts'

export type ProgramFact = Extract<Fact, { readonly kind: 'program' | 'programText' | 'entry' }>

/** Whether the fact holds for a sample with this program (of the index), or cannot be decided. */
export function programMayHold(fact: ProgramFact, program: Uint32Array | null, size: number): boolean {
  if (program === null) return true
  return program.length === 0 ? holdsForNone(fact) : mayHold(fact, size, (word) => program[word] as number)
}

/** Calls `set` for each sample of a group that the fact may hold for. */
export function programColumns(fact: ProgramFact, group: SegmentGroup, set: (sample: number) => void): void {
  const programs = group.programs()
  const columns: Uint32Array[] = []
  let rank = -1
  const wordOf = (word: number) => {
    columns[word] ??= programs?.column(word) as Uint32Array
    return columns[word][rank] as number
  }
  for (let s = 0; s < group.count; s++) {
    const kind = programs === null ? null : programs.kinds[s]
    if (kind === 1) rank++
    if (kind === 1 ? mayHold(fact, group.sizes[s] as number, wordOf) : kind !== 0 || holdsForNone(fact)) set(s)
  }
}

/** No field has a value in what is no program. */
function holdsForNone(fact: ProgramFact): boolean {
  return fact.kind === 'program' && fact.orUndefined
}

function mayHold(fact: ProgramFact, size: number, wordOf: (word: number) => number): boolean {
  const { word, bit } = placeOf(fact.kind === 'entry' ? 'entry_point' : fact.field)
  if ((wordOf(0) & bit) !== 0) return true
  if ((wordOf(1) & bit) !== 0) return holdsForNone(fact)
  const value = wordOf(word)
  switch (fact.kind) {
    case 'program': {
      const masked = (value & fact.mask) >>> 0
      return masked >= fact.min && masked <= fact.max
    }
    case 'programText':
      return hashesOf(fact).has(value)
    case 'entry':
      return mayStandAt(fact, size - value, wordOf)
  }
}

/** `left`: bytes of the sample from the entry point on. */
function mayStandAt(
  { offset, value, mask }: Extract<ProgramFact, { readonly kind: 'entry' }>,
  left: number,
  wordOf: (word: number) => number,
): boolean {
  if (offset + value.length > left) return false
  for (let i = 0; i < value.length && offset + i < ENTRY_BYTES; i++) {
    const at = offset + i
    const byte = (wordOf(ENTRY_WORD + (at >> 2)) >>> (8 * (at & 3))) & 0xff
    if ((byte & (mask[i] as number)) !== value[i]) return false
  }
  return true
}

const hashes = new WeakMap<ProgramFact, ReadonlySet<number>>()

function hashesOf(fact: Extract<ProgramFact, { readonly kind: 'programText' }>): ReadonlySet<number> {
  let known = hashes.get(fact)
  if (known === undefined) {
    known = new Set(fact.texts.map(signerHash))
    hashes.set(fact, known)
  }
  return known
}
