/**
 * What programs for Windows, Linux and macOS say of themselves: where they come from, what they are made of, and what
 * they ask of others. Analysts go from one sample to its relatives by such values.
 *
 * Everything comes out of hostile files. So lists and texts are bounded, and a part that cannot be read is null, which
 * means that it is not known; empty means that there is none.
 */
export interface ProgramFacts {
  readonly format: ProgramFormat
  /** In the words of `Identification.description`; more than one in a universal binary. */
  readonly machines: readonly string[]
  /** Seconds since 1970, as the header says; null where it says nothing. */
  readonly compiled: number | null
  /** Builds that give the same bytes each time have a hash in place of the time. */
  readonly isReproducible: boolean
  /** The address at which it begins: relative to the image in a PE and a Mach-O, as it is in an ELF. */
  readonly entry: number | null
  readonly subsystem: string | null
  /** 32 hexadecimal digits, as `pe.imphash()` gives it. */
  readonly imphash: string | null
  /** The MD5 of the clear data of the Rich header. */
  readonly richHash: string | null
  readonly sections: Listed<Section> | null
  readonly imports: Listed<ImportedLibrary> | null
  readonly importedFunctions: number | null
  readonly exports: Listed<string> | null
  /** Null also where the signature cannot be read. */
  readonly signers: readonly Signer[] | null
  /** `CompanyName`, `ProductName` and so on, in their order. */
  readonly version: Readonly<Record<string, string>>
  /** Where the linker wrote what debuggers need. */
  readonly pdb: string | null
  /** That the linker gave it: GUID and age of the PDB, build id of an ELF, UUID of a Mach-O. */
  readonly buildId: string | null
  /** Bytes behind the last section; null for none. */
  readonly overlay: { readonly offset: number; readonly size: number } | null
  readonly resources: Listed<ResourceKind> | null
  readonly dotnet: { readonly version: string; readonly module: string | null; readonly mvid: string | null } | null
}

export type ProgramFormat = 'PE32' | 'PE32+' | 'ELF32' | 'ELF64' | 'Mach-O 32' | 'Mach-O 64' | 'Mach-O universal'

/** How many there are, and the first of them. */
export interface Listed<T> {
  readonly count: number
  readonly first: readonly T[]
}

export interface Section {
  readonly name: string
  /** In the file. */
  readonly size: number
  /** In memory. */
  readonly virtualSize: number
  /** Bits a byte, 0 to 8, of its bytes in the file, from 1 MB on of a part of them; null where it has none there. */
  readonly entropy: number | null
}

export interface ImportedLibrary {
  readonly name: string
  /** Null where the format does not say which function is of which library. */
  readonly functions: number | null
}

export interface Signer {
  /** The common name, or else the organisation. */
  readonly subject: string
  readonly issuer: string
  /** As `pe.signatures[].serial` gives it: `77:01:9a`. */
  readonly serial: string
}

export interface ResourceKind {
  readonly type: string
  readonly count: number
  readonly bytes: number
}

/** Of a format, with nothing else known. */
export function noProgramFacts(format: ProgramFormat): ProgramFacts {
  return {
    format,
    machines: [],
    compiled: null,
    isReproducible: false,
    entry: null,
    subsystem: null,
    imphash: null,
    richHash: null,
    sections: null,
    imports: null,
    importedFunctions: null,
    exports: null,
    signers: null,
    version: {},
    pdb: null,
    buildId: null,
    overlay: null,
    resources: null,
    dotnet: null,
  }
}

/** So much is kept of each list. */
export const MOST_SECTIONS = 64
export const MOST_LIBRARIES = 96
export const MOST_EXPORTS = 96
export const MOST_RESOURCE_KINDS = 48
export const MOST_VERSION_TEXTS = 24
export const MOST_SIGNERS = 8
/** Characters of a name; longer ones are left out, since a part of a name finds nothing. */
export const MOST_NAME = 256
export const MOST_PATH = 512
