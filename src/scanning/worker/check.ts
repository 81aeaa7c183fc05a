import { leaveOut, runnableText } from '../../yara/index.ts'
import type { CompiledRules, Engine } from '../engine.ts'
import { noVariables } from '../engine.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import { variableWarnings } from '../variable-warnings.ts'
import type { Task } from './task.ts'
import { regexpTrial, trialSamples } from './trial.ts'

type Diagnostic = TaskOutput<'check'>['diagnostics'][number]

/** Of the time that workers have: what was checked must not fail there because a machine is a little busier. */
const SHARE = 0.5

/**
 * Everything that the engine has to say about a text, and whether it runs: a text that is correct is compiled as a scan
 * would compile it, and tried on small samples. What it costs this process is put down in the progress record, so that
 * the pool can say what went wrong.
 */
export function check(task: Task, { content, partial }: TaskInput<'check'>, engine: Engine): TaskOutput<'check'> {
  task.note('compile', { allowedMs: task.compileMs })
  const found = engine.diagnose(content)
  const isCorrect = found.every(({ severity }) => severity !== 'error')
  if (!isCorrect && partial !== true) return { diagnostics: found, valid: false }
  const rest = isCorrect
    ? { diagnostics: found, leftOut: [] }
    : leaveOut(content, found, (text) => engine.diagnose(text))
  if (rest === null) return { diagnostics: found, valid: false }
  const refusal = tryOut(task, runnableText(content, rest.leftOut), engine)
  if (refusal !== null) return { diagnostics: [refusal, ...rest.diagnostics], valid: false }
  const warnings = variableWarnings(runnableText(content, rest.leftOut))
  return { ...rest, diagnostics: [...rest.diagnostics, ...warnings], valid: true }
}

/** Null when it runs. */
function tryOut(task: Task, content: string, engine: Engine): Diagnostic | null {
  try {
    scanAll(task, compiled(task, content, engine))
    const regexps = regexpTrial(content)
    if (regexps !== null) scanAll(task, compiled(task, regexps, engine), trialSamples.slice(0, 1))
    return null
  } catch (error) {
    const message = `The engine cannot run these rules: ${error instanceof Error ? error.message : String(error)}`
    return { severity: 'error', code: 'trial-failed', message, line: 1, column: 1, span: { from: 0, to: 0 } }
  }
}

function compiled(task: Task, content: string, engine: Engine): CompiledRules {
  task.note('compile', { allowedMs: SHARE * task.compileMs })
  return engine.compile(content)
}

function scanAll(task: Task, rules: CompiledRules, samples: readonly Buffer[] = trialSamples): void {
  for (const [item, sample] of samples.entries()) {
    task.note('scan', { item, allowedMs: SHARE * task.scanMs(sample.length) })
    rules.scan(sample, noVariables)
  }
}
