/**
 * Programs: what the engine says of a Windows program's header, beside the bits.
 *
 * Rules ask `pe.imphash() == "…"`, `pe.number_of_sections < 5` or `$a at pe.entry_point`. None of that can be looked up as
 * a window, and what such rules leave is every Windows program. So the values are kept, as they come out of the engine
 * when a sample is signed, with the bytes at its entry point.
 *
 * The program of a sample is words of 32 bits:
 *
 * ```
 *  0  bit f: field f is not known
 *  1  bit f: field f has no value (is undefined for the engine)
 *  2  the values of the fields, in the order of `programFields`
 *  …  ENTRY_BYTES bytes from the file offset `entry_point` on, zeros beyond the end of the sample
 * ```
 *
 * No words at all: the engine takes the sample for no Windows program, and no field has a value. Null: not known.
 */
export const programFields = [
  'machine',
  'number_of_sections',
  'timestamp',
  'characteristics',
  'subsystem',
  'dll_characteristics',
  'linker_version.major',
  'linker_version.minor',
  'entry_point',
  'entry_point_raw',
  'image_base',
  'checksum',
  'number_of_imports',
  'number_of_exports',
  'number_of_resources',
  'number_of_signatures',
  'overlay.offset',
  'overlay.size',
  'rich_signature.key',
  /** Yes is 1. */
  'is_pe',
  'is_dll()',
  'is_32bit()',
  'is_64bit()',
  /** The CRC-32 of texts: the import hash, and the MD5 of the Rich header's clear data. */
  'imphash()',
  'rich_signature.clear_data',
] as const

export type ProgramField = (typeof programFields)[number]

/** Of the code at the entry point. */
export const ENTRY_BYTES = 64

const VALUES = 2
export const PROGRAM_WORDS = VALUES + programFields.length + ENTRY_BYTES / 4

/** Instead of the number of words in the columns of a segment: it is not known. */
export const PROGRAM_UNKNOWN = 255

/** The word of a program that holds a field's value, and the bit that speaks of it in the first two. */
export function placeOf(field: ProgramField): { readonly word: number; readonly bit: number } {
  const place = programFields.indexOf(field)
  return { word: VALUES + place, bit: 2 ** place }
}

/** The word that holds the first of the bytes at the entry point. */
export const ENTRY_WORD = VALUES + programFields.length

/** What is known of one field. */
export type FieldValue = number | 'undefined' | 'unknown'

/** Lays out a program. `entry` may be shorter than ENTRY_BYTES. */
export function encodeProgram(values: Readonly<Record<ProgramField, FieldValue>>, entry: Uint8Array): Uint32Array {
  const words = new Uint32Array(PROGRAM_WORDS)
  for (const field of programFields) {
    const { word, bit } = placeOf(field)
    const value = values[field]
    if (value === 'unknown') words[0] = (words[0] as number) | bit
    else if (value === 'undefined') words[1] = (words[1] as number) | bit
    else words[word] = value
  }
  new Uint8Array(words.buffer).set(entry.subarray(0, ENTRY_BYTES), ENTRY_WORD * 4)
  return words
}

/** The programs of some samples: `kinds` is 1 for each that has one, 0 where there is none, else PROGRAM_UNKNOWN. */
export interface ProgramColumns {
  readonly kinds: Uint8Array
  /** One word of all programs, in the order of the samples that have one. */
  column(word: number): Uint32Array
}

/** How many of these have a program. */
export function programsIn(kinds: Uint8Array): number {
  return kinds.reduce((sum, kind) => sum + (kind === 1 ? 1 : 0), 0)
}

/** The program of each sample, as in a record. */
export function programsBySample(programs: ProgramColumns | null): (s: number) => Uint32Array | null {
  if (programs === null) return () => null
  const { kinds } = programs
  const ranks = new Uint32Array(kinds.length)
  let rank = 0
  kinds.forEach((kind, s) => {
    ranks[s] = rank
    if (kind === 1) rank++
  })
  const columns = rank === 0 ? [] : Array.from({ length: PROGRAM_WORDS }, (_, word) => programs.column(word))
  return (s) => {
    if (kinds[s] === PROGRAM_UNKNOWN) return null
    return kinds[s] === 0
      ? new Uint32Array(0)
      : Uint32Array.from(columns, (column) => column[ranks[s] as number] as number)
  }
}
