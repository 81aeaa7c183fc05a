/** What a file is, in the specification's vocabulary, from its first bytes. */
export { elfMachines } from './elf.ts'
export { createIdentifier, HEAD_LENGTH, type Identification, type Identifier } from './identifier.ts'
export { machOMachines } from './macho.ts'
export { peMachines, peSubsystems } from './pe.ts'
export { variableType, variableTypes } from './variable-type.ts'
