import { formatCount } from './terminal.ts'

/** Problems that are printed; there may be more. */
const MOST_PRINTED = 100

/** On the standard error, a line each. */
export function printProblems(problems: readonly string[]): void {
  for (const problem of problems.slice(0, MOST_PRINTED)) process.stderr.write(`backtrail: ${problem}\n`)
  if (problems.length > MOST_PRINTED)
    process.stderr.write(`backtrail: and ${formatCount(problems.length - MOST_PRINTED, 'more problem')}\n`)
}
