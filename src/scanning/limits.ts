/** What a worker process may cost. Passed to each worker when it starts; the pool enforces them from outside. */
export interface ScanLimits {
  /** A scan may take this long, and `scanMsPerMegabyte` more for each megabyte of the sample. */
  readonly scanMs: number
  readonly scanMsPerMegabyte: number
  /** Compiling one ruleset, whether to check it or to run it. */
  readonly compileMs: number
  /** Reading one text and planning it. */
  readonly planMs: number
  /** Copying, merging and reading must make some progress within this time. */
  readonly stallMs: number
  /** Resident bytes of one worker; above it, it is killed and replaced. */
  readonly workerBytes: number
  /**
   * An idle worker that holds more, and `renewGrowth` times what it held when it was new, and has run for
   * `renewAfterMs`, is replaced by a fresh one; see renewing.ts.
   */
  readonly idleBytes: number
  readonly renewGrowth: number
  readonly renewAfterMs: number
  /** As `workerBytes`, for a process that checks a text. */
  readonly checkBytes: number
  /** What the compiled rules that a worker keeps may take, in bytes of memory. */
  readonly compiledBytes: number
  /** String hits reported for one string of a rule, and for all strings of a rule together. */
  readonly hitsPerString: number
  readonly hitsPerRule: number
}

/** Limits that settings give; all others are fixed. */
export type ConfiguredLimits = Pick<ScanLimits, 'scanMs' | 'compileMs' | 'workerBytes'>

export const fixedLimits: Omit<ScanLimits, keyof ConfiguredLimits> = {
  scanMsPerMegabyte: 100,
  planMs: 20_000,
  stallMs: 120_000,
  idleBytes: 512 * 1024 ** 2,
  renewGrowth: 1.5,
  renewAfterMs: 300_000,
  checkBytes: 1024 ** 3,
  compiledBytes: 384 * 1024 ** 2,
  hitsPerString: 64,
  hitsPerRule: 1_000,
}
