import type { Engine } from '../engine.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import type { Task } from './task.ts'

/** Everything that the engine has to say about a text; it is compiled as a scan would compile it. */
export function check(task: Task, input: TaskInput<'check'>, engine: Engine): TaskOutput<'check'> {
  task.note('compile', { allowedMs: task.compileMs })
  const diagnostics = engine.diagnose(input.content)
  return { diagnostics, valid: diagnostics.every((diagnostic) => diagnostic.severity !== 'error') }
}
