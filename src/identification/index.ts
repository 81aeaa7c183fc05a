/** What a file is, in the specification's vocabulary, from its first bytes. */
export { createIdentifier, HEAD_LENGTH, type Identification, type Identifier } from './identifier.ts'
export { variableType, variableTypes } from './variable-type.ts'
