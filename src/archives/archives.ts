/** Bounds on one archive; what is beyond them stays packed, and `note` says so. */
export interface ArchiveLimits {
  /** Members of one archive. */
  readonly members: number
  /** Unpacked bytes of one archive, and of one member. */
  readonly totalBytes: number
  readonly memberBytes: number
  /** Unpacked bytes for one packed byte; small archives may always unpack `ratioFloorBytes`. */
  readonly ratio: number
  readonly ratioFloorBytes: number
  /** For one archive, in milliseconds. */
  readonly timeMs: number
  /** Address space of the unpacking process. */
  readonly memoryBytes: number
}

export interface Member {
  /** The member's path as text: '/' between parts, no control characters, well-formed, at most 1,024 characters. */
  readonly name: string
  /** A regular file in the folder that `unpack` was given; its name there says nothing. */
  readonly path: string
  readonly size: number
}

export interface Unpacked {
  /** What 7-Zip took it for: `zip`, `7z`, `tar`, …; null when it is not an archive. */
  readonly format: string | null
  readonly members: readonly Member[]
  /** Why not everything was unpacked, as a sentence for people; null when all was. */
  readonly note: string | null
  /** No password fitted, for all or for some members. */
  readonly locked: boolean
}

export declare class Archives {
  /** Finds the 7-Zip binary and makes sure that it can be executed. `limits` defaults to `defaultArchiveLimits`. */
  constructor(limits?: Partial<ArchiveLimits>)

  /**
   * Unpacks one level of an archive into `folder` (made by this call, private; the caller removes it).
   * Tries without a password, then `passwords` in turn. Bad, hostile and truncated archives are no error: what could be
   * unpacked is there, and `note` tells the rest. `name` is the archive's own name, for formats that store none.
   */
  unpack(
    archive: string,
    options: {
      readonly folder: string
      readonly name: string
      readonly passwords: readonly string[]
      readonly members?: number
      readonly totalBytes?: number
      readonly signal?: AbortSignal
    },
  ): Promise<Unpacked>
}
