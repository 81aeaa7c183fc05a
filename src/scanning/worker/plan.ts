import { planText } from '../../planner/index.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import { read } from './last-read.ts'
import type { Task } from './task.ts'

/** What the rules of a text demand of a sample. */
export function plan(task: Task, { content, ...wanted }: TaskInput<'plan'>): TaskOutput<'plan'> {
  task.note('plan', { allowedMs: task.planMs })
  return planText(content, wanted, read(content))
}
