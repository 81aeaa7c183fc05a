import { type LeftOut, leaveOut, leaveOutRules, runnableText } from '../../yara/index.ts'
import type { CompiledRules, Engine } from '../engine.ts'
import { noVariables } from '../engine.ts'
import type { TaskInput, TaskOutput, WithoutRules } from '../tasks.ts'
import { variableWarnings } from '../variable-warnings.ts'
import { read } from './last-read.ts'
import type { Task } from './task.ts'
import { regexpTrial, trialSamples } from './trial.ts'

type Diagnostic = TaskOutput<'check'>['diagnostics'][number]

/** Of the time that workers have: what was checked must not fail there because a machine is a little busier. */
const SHARE = 0.5

/**
 * Everything that the engine has to say about a text, and whether it runs: a text that is correct is compiled as a scan
 * would compile it, once, and tried on small samples. What it costs this process is put down in the progress record, so
 * that the pool can say what went wrong.
 */
export function check(task: Task, input: TaskInput<'check'>, engine: Engine): TaskOutput<'check'> {
  const { diagnostics, ...answer } = checked(task, input, engine)
  return { ...answer, diagnostics: first(diagnostics) }
}

/** A text can have a million rules, and something to say about each. */
const MOST_DIAGNOSTICS = 1_000

function first(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length <= MOST_DIAGNOSTICS) return diagnostics
  const shown = diagnostics.slice(0, MOST_DIAGNOSTICS)
  const message = `There are ${diagnostics.length - shown.length} more problems, which are not listed.`
  return [
    ...shown,
    { severity: 'warning', code: 'more-problems', message, line: 1, column: 1, span: { from: 0, to: 0 } },
  ]
}

function checked(task: Task, { content, partial, without }: TaskInput<'check'>, engine: Engine): TaskOutput<'check'> {
  if (without !== undefined) return checkedWithout(task, content, without, engine)
  const whole = tried(task, content, engine)
  if (whole.rules !== null) return outcome(task, content, { rules: whole.rules, leftOut: [] }, engine)
  task.note('compile', { allowedMs: task.compileMs })
  const found = engine.diagnose(content)
  if (found.every(({ severity }) => severity !== 'error'))
    return { diagnostics: [refusal(whole.error), ...found], valid: false }
  const rest = partial === true ? leaveOut(content, found, (text) => engine.diagnose(text)) : null
  if (rest === null) return { diagnostics: found, valid: false }
  const left = tried(task, runnableText(content, rest.leftOut), engine)
  if (left.rules === null) return { diagnostics: [refusal(left.error), ...rest.diagnostics], valid: false }
  return outcome(task, content, { ...rest, rules: left.rules }, engine)
}

/** A text that compiles, without some of its rules. It is not valid when none is left. */
function checkedWithout(
  task: Task,
  content: string,
  { leftOut, rules }: WithoutRules,
  engine: Engine,
): TaskOutput<'check'> {
  const reasons = new Map(rules.map(({ name, reason }) => [name, reason]))
  const rest = leaveOutRules(content, leftOut, reasons)
  if (rest === null) return { diagnostics: [], valid: false }
  const left = tried(task, runnableText(content, rest), engine)
  if (left.rules === null) return { diagnostics: [refusal(left.error)], valid: false }
  return outcome(task, content, { leftOut: rest, rules: left.rules }, engine)
}

/** What compiles is tried out. `diagnostics`: those of the engine, where they are known already. */
function outcome(
  task: Task,
  content: string,
  { rules, leftOut, diagnostics = rules.warnings() }: Compiled,
  engine: Engine,
): TaskOutput<'check'> {
  const text = runnableText(content, leftOut)
  const source = read(text)
  try {
    scanAll(task, rules)
    const regexps = regexpTrial(text, source)
    if (regexps !== null) scanAll(task, compiled(task, regexps, engine), trialSamples.slice(0, 1))
  } catch (error) {
    return { diagnostics: [refusal(error), ...diagnostics], valid: false }
  }
  const { engine: ranOn } = rules
  return { leftOut, diagnostics: [...diagnostics, ...variableWarnings(text, source)], valid: true, engine: ranOn }
}

interface Compiled {
  readonly rules: CompiledRules
  readonly leftOut: readonly LeftOut[]
  readonly diagnostics?: readonly Diagnostic[]
}

function tried(
  task: Task,
  content: string,
  engine: Engine,
): { readonly rules: CompiledRules } | { readonly rules: null; readonly error: unknown } {
  try {
    return { rules: compiled(task, content, engine) }
  } catch (error) {
    return { rules: null, error }
  }
}

function refusal(error: unknown): Diagnostic {
  const message = `The engine cannot run these rules: ${error instanceof Error ? error.message : String(error)}`
  return { severity: 'error', code: 'trial-failed', message, line: 1, column: 1, span: { from: 0, to: 0 } }
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
