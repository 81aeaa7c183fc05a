import { holdsArchive } from '../../archives/index.ts'
import { HEAD_LENGTH, type Identifier, variableType } from '../../identification/index.ts'
import { noProgram, nothingKnown, SignatureView, sign, signFile } from '../../index/index.ts'
import { mayMatch } from '../../planner/index.ts'
import type { Digests, TaskInput, TaskOutput } from '../tasks.ts'
import { type EngineFactsReader, isWindowsProgram } from './engine-facts.ts'
import type { ProgramFactsReader } from './program-facts.ts'
import type { HeldRulesets } from './rulesets.ts'
import { readHead, type SampleBuffer } from './sample-buffer.ts'
import type { Scanner } from './scanner.ts'
import type { Task } from './task.ts'

type Input = TaskInput<'examine'>
type Output = TaskOutput<'examine'>

/** What to match a content with. */
export type MatchedWith = Pick<Input, 'digests' | 'ruleSet' | 'variables' | 'without'>

/** The pipeline of an arriving sample: what it is, its signature, what the plans leave, and what of that matches. */
export class SampleExaminer {
  readonly #held: HeldRulesets
  readonly #scanner: Scanner
  readonly #buffer: SampleBuffer
  readonly #engineFacts: EngineFactsReader
  readonly #programFacts: ProgramFactsReader
  readonly #identifier: Identifier

  constructor(parts: {
    readonly held: HeldRulesets
    readonly scanner: Scanner
    readonly buffer: SampleBuffer
    readonly engineFacts: EngineFactsReader
    readonly programFacts: ProgramFactsReader
    readonly identifier: Identifier
  }) {
    this.#held = parts.held
    this.#scanner = parts.scanner
    this.#buffer = parts.buffer
    this.#engineFacts = parts.engineFacts
    this.#programFacts = parts.programFacts
    this.#identifier = parts.identifier
  }

  /** A stored file. */
  examine(task: Task, input: Input): Output {
    task.note('read')
    if (!input.scan) return this.#identifyOnly(task, input.path, input.digests)
    return this.examineBytes(task, this.#buffer.read(input.path, input.digests.size, task.progress), input)
  }

  /** A whole content that is in memory. */
  examineBytes(task: Task, bytes: Buffer, { digests, ruleSet, variables, without }: MatchedWith): Output {
    const identified = this.#identify(task, bytes.subarray(0, HEAD_LENGTH), bytes.length, bytes)
    const identification =
      !identified.isArchive && holdsArchive(bytes) ? { ...identified, holdsArchive: true } : identified

    const facts = this.#engineFacts.read(task, bytes)
    const program = this.#programFacts.read(task, bytes, facts.program)
    task.note('sign', { allowedMs: task.scanMs(bytes.length) })
    const signature = sign(bytes, digests, facts)

    task.note('plan')
    const set = this.#held.set(ruleSet)
    const left = new Set(without)
    const view = SignatureView.of(signature)
    const known = { ...variables, filetype: variableType(identification.fileType) }
    const rulesets = set.rulesets.filter(
      (ruleset) =>
        !left.has(ruleset.key) && (!task.exclusions.allowed.plans || mayMatch(this.#held.plan(ruleset), view, [known])),
    )

    const { hits, errors } = this.#scanner.scan(task, {
      item: 0,
      bytes,
      variables: known,
      set,
      rulesets,
      strings: false,
      without: left,
    })
    return { identification, signature, program, hits, errors }
  }

  #identifyOnly(task: Task, path: string, digests: Digests): Output {
    const head = readHead(path, HEAD_LENGTH)
    const identification = this.#identify(task, head, digests.size)
    task.note('sign', { allowedMs: task.scanMs(digests.size) })
    const signature = signFile(path, digests, isWindowsProgram(head) ? nothingKnown : noProgram)
    return { identification, signature, program: null, hits: [], errors: [] }
  }

  #identify(task: Task, head: Uint8Array, size: number, whole = head): Output['identification'] {
    task.note('identify', { allowedMs: task.scanMs(head.length) })
    return this.#identifier.identify(head, size, { libmagic: task.exclusions.allowed.libmagic, whole })
  }
}
