/** What a program is made of, read out of its bytes. No I/O: a worker has the bytes. */
export type {
  ImportedLibrary,
  Listed,
  ProgramFacts,
  ProgramFormat,
  ResourceKind,
  Section,
  Signer,
} from './facts.ts'
export { isProgram, readProgram } from './read-program.ts'
export { type Trait, traitsOf } from './traits.ts'
