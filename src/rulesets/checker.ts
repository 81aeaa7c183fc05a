import type { Diagnostic, LeftOut } from '../yara/index.ts'

/** Finds out whether a text compiles, in a bounded process. */
export interface Checker {
  /**
   * `partial`: a text is valid where some of its rules compile; what does not run is in `leftOut`, else nothing is.
   * Rejects with the signal's reason once it is aborted.
   */
  check(
    content: string,
    partial?: boolean,
    by?: CheckedBy,
  ): Promise<{
    readonly valid: boolean
    readonly diagnostics: readonly Diagnostic[]
    readonly leftOut?: readonly LeftOut[]
    /** Of the engine that runs a valid text, with its version. */
    readonly engine?: string
  }>
}

/** Who asks for a check. */
export interface CheckedBy {
  /** Checks of a group take turns with those of others. */
  readonly group?: string
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal
}

/** Where and what the first error is, as a sentence. */
export function firstErrorOf(diagnostics: readonly Diagnostic[]): string {
  const error = diagnostics.find((diagnostic) => diagnostic.severity === 'error')
  return error ? `Line ${error.line}, column ${error.column}: ${error.message}` : 'The rules do not compile.'
}
