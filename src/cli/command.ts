/** What the file of a command is given beside the program that it adds itself to. */
import type { ExitCode } from './exit-codes.ts'

/** A command's work; the exit status is what it gives. */
export type Action<Arguments extends unknown[]> = (...given: Arguments) => Promise<ExitCode>

/** Makes of an action what commander calls, with the exit status going to the caller of `runCommandLine`. */
export type Conclude = <Arguments extends unknown[]>(
  action: Action<Arguments>,
) => (...given: Arguments) => Promise<void>
