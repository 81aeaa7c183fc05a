import { ENTRY_BYTES, ENTRY_WORD, type ProgramColumns, placeOf, type SegmentGroup, signerHash } from '../index/index.ts'
import { memoized } from './memoized.ts'
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
  if (programs === null) {
    for (let s = 0; s < group.count; s++) set(s)
    return
  }
  const { some, none, unknown } = samplesByProgram(programs)
  unknown.forEach(set)
  if (holdsForNone(fact)) none.forEach(set)
  const { sizes } = group
  const columns: Uint32Array[] = []
  let rank = 0
  const wordOf = (word: number) => {
    columns[word] ??= programs.column(word)
    return columns[word][rank] as number
  }
  for (; rank < some.length; rank++) {
    const s = some[rank] as number
    if (mayHold(fact, sizes[s] as number, wordOf)) set(s)
  }
}

/** Samples of a group: those with a program, those without one, and those of which it is not known. Ascending. */
interface SamplesByProgram {
  readonly some: readonly number[]
  readonly none: readonly number[]
  readonly unknown: readonly number[]
}

/** Rules about packers ask a group thousands of times, and few of its samples are programs. */
const samplesByProgram = memoized(({ kinds }: ProgramColumns): SamplesByProgram => {
  const some: number[] = []
  const none: number[] = []
  const unknown: number[] = []
  kinds.forEach((kind, s) => {
    if (kind === 1) some.push(s)
    else if (kind === 0) none.push(s)
    else unknown.push(s)
  })
  return { some, none, unknown }
})

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

const hashesOf = memoized(
  ({ texts }: Extract<ProgramFact, { readonly kind: 'programText' }>): ReadonlySet<number> =>
    new Set(texts.map(signerHash)),
)
