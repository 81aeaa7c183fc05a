import type { Micros } from './clock.ts'

export interface ProgramTables {
  programs: ProgramsTable
  program_traits: ProgramTraitsTable
  programs_to_read: ProgramsToReadTable
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
