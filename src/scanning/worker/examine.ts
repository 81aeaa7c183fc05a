import { HEAD_LENGTH, type Identifier } from '../../identification/index.ts'
import { SignatureView, sign, signFile } from '../../index/index.ts'
import { mayMatch } from '../../planner/index.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import type { HeldRulesets } from './rulesets.ts'
import { readHead, type SampleBuffer } from './sample-buffer.ts'
import type { Scanner } from './scanner.ts'
import type { Task } from './task.ts'

type Input = TaskInput<'examine'>
type Output = TaskOutput<'examine'>

export interface ExamineParts {
  readonly held: HeldRulesets
  readonly scanner: Scanner
  readonly buffer: SampleBuffer
  readonly identifier: Identifier
}

/** The pipeline of an arriving sample: what it is, its signature, what the plans leave, and what of that matches. */
export function examine(task: Task, input: Input, parts: ExamineParts): Output {
  if (!input.scan) return identifyOnly(task, input, parts)
  task.note('read')
  const bytes = parts.buffer.read(input.path, input.digests.size, task.progress)
  const identification = identify(task, bytes.subarray(0, HEAD_LENGTH), bytes.length, parts)

  task.note('sign', { allowedMs: task.scanMs(bytes.length) })
  const signature = sign(bytes, input.digests)

  task.note('plan')
  const set = parts.held.set(input.ruleSet)
  const without = new Set(input.without)
  const view = SignatureView.of(signature)
  const rulesets = set.rulesets.filter((ruleset) => !without.has(ruleset.key) && mayMatch(ruleset.plan.plan, view))

  const scan = parts.scanner.scan(task, {
    item: 0,
    bytes,
    variables: { ...input.variables, filetype: identification.fileType },
    set,
    rulesets,
    strings: false,
  })
  return { identification, signature, candidates: rulesets.length, ...scan }
}

function identifyOnly(task: Task, input: Input, parts: ExamineParts): Output {
  task.note('read')
  const head = readHead(input.path, HEAD_LENGTH)
  const identification = identify(task, head, input.digests.size, parts)
  task.note('sign', { allowedMs: task.scanMs(input.digests.size) })
  const signature = signFile(input.path, input.digests)
  return { identification, signature, candidates: 0, hits: [], troubles: [], scannedBytes: 0 }
}

function identify(task: Task, head: Uint8Array, size: number, parts: ExamineParts): Output['identification'] {
  task.note('identify', { allowedMs: task.scanMs(head.length) })
  return parts.identifier.identify(head, size, { libmagic: task.avoid.libmagic })
}
