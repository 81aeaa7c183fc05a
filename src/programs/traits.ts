import type { ProgramField } from '../query/index.ts'
import type { ProgramFacts } from './facts.ts'

export interface Trait {
  readonly field: ProgramField
  readonly value: string
}

/** Each value by which the program can be found; no empty ones, and each once. */
export function traitsOf(facts: ProgramFacts): Trait[] {
  const { version } = facts
  const values: Readonly<Record<ProgramField, readonly (string | null | undefined)[]>> = {
    format: [facts.format],
    machine: facts.machines,
    imphash: [facts.imphash],
    'rich-hash': [facts.richHash],
    pdb: [facts.pdb],
    'build-id': [facts.buildId],
    section: facts.sections?.first.map(({ name }) => name) ?? [],
    import: facts.imports?.first.map(({ name }) => name) ?? [],
    export: facts.exports?.first ?? [],
    signer: facts.signers?.map(({ subject }) => subject) ?? [],
    serial: facts.signers?.map(({ serial }) => serial) ?? [],
    company: [version.CompanyName],
    product: [version.ProductName],
    description: [version.FileDescription],
    'original-name': [version.OriginalFilename],
    'dotnet-module': [facts.dotnet?.module],
    mvid: [facts.dotnet?.mvid],
  }
  const traits = new Map<string, Trait>()
  for (const [field, some] of Object.entries(values) as [ProgramField, (typeof values)[ProgramField]][]) {
    for (const value of some) if (value) traits.set(`${field}\n${value}`, { field, value })
  }
  return [...traits.values()]
}
