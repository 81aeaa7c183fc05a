import type { Static } from 'typebox'
import type { ProgramFacts } from '../../programs/index.ts'
import { toIso } from '../../store/index.ts'
import type { ProgramShape } from '../contract/programs.ts'

const SECOND = 1_000_000

/** What a program is made of as it is answered on the wire; of each list the first `limit`. */
export function programJson(facts: ProgramFacts, limit = Number.POSITIVE_INFINITY): Static<typeof ProgramShape> {
  const listed = <T, U>(list: { readonly count: number; readonly first: readonly T[] } | null, json: (of: T) => U) =>
    list && { count: list.count, first: list.first.slice(0, limit).map(json) }
  return {
    format: facts.format,
    machines: [...facts.machines],
    compiled: facts.compiled === null ? null : toIso(facts.compiled * SECOND),
    reproducible: facts.isReproducible,
    entry: facts.entry,
    subsystem: facts.subsystem,
    imphash: facts.imphash,
    rich_hash: facts.richHash,
    sections: listed(facts.sections, ({ virtualSize, ...section }) => ({ ...section, virtual_size: virtualSize })),
    imports: listed(facts.imports, (library) => ({ ...library })),
    imported_functions: facts.importedFunctions,
    exports: listed(facts.exports, (name) => name),
    signers: facts.signers?.slice(0, limit).map((signer) => ({ ...signer })) ?? null,
    version: Object.entries(facts.version)
      .slice(0, limit)
      .map(([name, value]) => ({ name, value })),
    pdb: facts.pdb,
    build_id: facts.buildId,
    overlay: facts.overlay,
    resources: listed(facts.resources, (kind) => ({ ...kind })),
    dotnet: facts.dotnet,
  }
}
