/** Bounds on one archive; what is beyond them stays packed, and the note of the result says so. */
export interface ArchiveLimits {
  readonly members: number
  /** Unpacked bytes of one archive, and of one member. */
  readonly totalBytes: number
  readonly memberBytes: number
  /** Unpacked bytes for one packed byte; every archive may unpack `ratioFloorBytes`. */
  readonly ratio: number
  readonly ratioFloorBytes: number
  /** For one archive, in milliseconds. */
  readonly timeMs: number
  /** Address space of the unpacking process. */
  readonly memoryBytes: number
}

/** Limits that settings give; all others are fixed. */
export type ConfiguredArchiveLimits = Pick<ArchiveLimits, 'members' | 'totalBytes' | 'ratio' | 'timeMs'>

export const fixedArchiveLimits: Omit<ArchiveLimits, keyof ConfiguredArchiveLimits> = {
  memberBytes: 700 * 1024 ** 2,
  ratioFloorBytes: 64 * 1024 ** 2,
  memoryBytes: 4 * 1024 ** 3,
}
