import type { Micros } from './clock.ts'

export interface ProgramTables {
  programs: ProgramsTable
  program_traits: ProgramTraitsTable
  programs_to_read: ProgramsToReadTable
  tlsh: TlshTable
  tlsh_to_compute: TlshToComputeTable
}

/** Samples that are programs. `facts` is JSON: ProgramFacts of src/programs. */
export interface ProgramsTable {
  sample_id: number
  /** When it was compiled, as its header says. */
  compiled: Micros | null
  facts: string
}

/** What programs are looked up by: `field` is a ProgramField of src/query; ASCII case does not matter. */
export interface ProgramTraitsTable {
  sample_id: number
  field: string
  value: string
}

/** Samples of before programs were kept, until what they are made of is read. */
export interface ProgramsToReadTable {
  sample_id: number
}

/** Samples that have a TLSH. */
export interface TlshTable {
  sample_id: number
  /** The 35 bytes of src/similarity. */
  digest: Uint8Array
}

/** Samples whose TLSH is to be computed. */
export interface TlshToComputeTable {
  sample_id: number
}
