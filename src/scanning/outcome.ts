/** What the caller of a task receives when it failed. */
import { Failure } from '../errors/index.ts'
import { unplannedText } from '../planner/index.ts'
import type { ProgressStep } from './progress-record.ts'
import type { Outcome } from './protocol.ts'
import type { TaskOutput } from './tasks.ts'
import type { LossCause } from './worker-process.ts'

/** Every worker is lost over a task: whatever asks for it has to do without. */
export class WorkerLost extends Error {
  constructor(what: string) {
    super(`The worker was lost over it: ${what}`)
  }
}

export function errorOf(outcome: Outcome & { readonly type: 'failed' }): Error {
  if (outcome.failure !== null) return new Failure(outcome.failure, outcome.message)
  const error: NodeJS.ErrnoException = new Error(outcome.message)
  if (outcome.system !== null) error.code = outcome.system
  error.stack = `${error.stack}\nin the worker process: ${outcome.trace}`
  return error
}

/** The answer about a text that could not be planned: its process was lost over it. */
export function unplannable(cause: LossCause): TaskOutput<'plan'> {
  const reasons = {
    timeout: 'planning them takes longer than allowed',
    memory: 'planning them needs more memory than allowed',
    crash: 'planning them ended the process that does it',
  }
  return unplannedText(reasons[cause])
}

const whileCompiling = {
  timeout: 'Compiling these rules takes longer than allowed; simplify their regular expressions and loops.',
  memory: 'Compiling these rules needs more memory than allowed; split them, or simplify their regular expressions.',
  crash: 'The engine fails on these rules.',
}

const whileScanning = {
  timeout: 'These rules do not come to an end on a sample of a few hundred bytes; bound their loops.',
  memory: 'Scanning a sample of a few hundred bytes with these rules needs more memory than allowed; simplify them.',
  crash:
    'The engine fails when it scans with these rules; look at divisions of the smallest integer, and at large ' +
    'repetitions in regular expressions of conditions.',
}

/** The answer about a text that could not be checked: its process was lost over it, while it compiled or tried it. */
export function uncheckable(cause: LossCause, at: ProgressStep | null): TaskOutput<'check'> {
  const isTrial = at?.stage === 'scan'
  const diagnostic = {
    code: isTrial ? `trial-${cause}` : `compile-${cause}`,
    message: (isTrial ? whileScanning : whileCompiling)[cause],
    line: 1,
    column: 1,
    span: { from: 0, to: 0 },
  }
  return { valid: false, diagnostics: [{ severity: 'error', ...diagnostic }] }
}
