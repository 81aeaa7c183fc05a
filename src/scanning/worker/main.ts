/**
 * A worker process: does one task after the other for the pool that forked it, and ends with it. Everything blocking
 * happens here. What the pool must know even if this process dies is in the progress record before it is done.
 */
import { flushCompileCache } from 'node:module'
import { Worker } from 'node:worker_threads'
import { Failure, messageOf, traceOf } from '../../errors/index.ts'
import { loadEngines } from '../engines/index.ts'
import { ArrivingTexts, type Piece } from '../long-texts.ts'
import { ProgressWriter } from '../progress-record.ts'
import type { FromWorker, Outcome, ToWorker, WorkerArguments, WorkerTask } from '../protocol.ts'
import type { TaskInput, TaskKind, TaskOutput } from '../tasks.ts'
import { check } from './check.ts'
import { CompiledCache } from './compiled.ts'
import { copyAndHash } from './copy-and-hash.ts'
import { digest } from './digest.ts'
import { EngineFactsReader } from './engine-facts.ts'
import { entropy } from './entropy.ts'
import type { SampleExaminer } from './examine.ts'
import { plan } from './plan.ts'
import { Probes } from './probes.ts'
import { ProgramFactsReader } from './program-facts.ts'
import { HeldRulesets } from './rulesets.ts'
import { SampleBuffer } from './sample-buffer.ts'
import { Scanner } from './scanner.ts'
import { Task } from './task.ts'
import { verify } from './verify.ts'

const { progressRecord, parent, limits, engine: choice } = JSON.parse(process.argv[2] ?? '{}') as WorkerArguments
process.on('disconnect', () => process.exit(0))
// Ctrl-C in a terminal reaches the whole group; the server decides when its workers end.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
if (process.ppid !== parent) process.exit(0)
new Worker(new URL('./watchdog.ts', import.meta.url), { workerData: parent, execArgv: [] }).unref()

/** Between the tasks of a busy worker there is no time to spare. */
const IDLE_BEFORE_WARMING_MS = 250

/** Between two looks at what the pool has sent, while short tasks follow each other. */
const TURN_MS = 20

const progress = new ProgressWriter(progressRecord)
const engine = loadEngines(choice)
const cache = new CompiledCache(engine, limits)
const held = new HeldRulesets(cache)
const scanner = new Scanner({ cache, held, limits, probes: new Probes(engine) })
const buffer = new SampleBuffer()
/** The archive that is being unpacked. */
const archive = new SampleBuffer()
const engineFacts = new EngineFactsReader(engine)
const programFacts = new ProgramFactsReader(engine)
const noTask = new Task(progress, limits, {
  id: 0,
  exclusions: {
    pairs: [],
    modules: [],
    probes: [],
    allowed: { bundles: false, plans: true, libmagic: false, signers: false, programs: false, examining: false },
    done: [],
  },
})
const arrivingTexts = new ArrivingTexts()
let sampleExaminer: SampleExaminer | null = null
let current: Task | null = null
let pause = false
let warming: NodeJS.Timeout | null = null
/** Not sent yet. */
const answers: Outcome[] = []

process.on('message', (message: ToWorker | Piece) => {
  if (message.type === 'piece') arrivingTexts.take(message)
  else receive(arrivingTexts.complete(message))
})
send({ type: 'ready', isSlow: engine.isSlow })
warmLater()

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'rulesets':
      held.learn(message.rulesets)
      return
    case 'set':
      held.learnSet(message)
      warmLater()
      return
    case 'forget':
      held.forget(message.sets, message.keys)
      return
    case 'quarantine':
      held.quarantine(message.key, message.failure)
      return
    case 'release':
      held.release(message.keys)
      return
    case 'apart':
      held.takeApart(message.set)
      return
    case 'arrange':
      held.arrange(message.set, message.groups)
      return
    case 'pause':
      pause = current !== null
      return
    case 'tasks':
      void workThrough(message.tasks)
      return
  }
}

async function workThrough(tasks: readonly WorkerTask[]): Promise<void> {
  if (warming !== null) clearTimeout(warming)
  warming = null
  pause = false
  let turn = performance.now()
  for (const [index, message] of tasks.entries()) {
    if (performance.now() - turn >= TURN_MS) {
      sendAnswers()
      if (await paused()) {
        answers.push(...tasks.slice(index).map(({ id }) => ({ type: 'paused' as const, task: id })))
        break
      }
      turn = performance.now()
    }
    await begin(message)
  }
  rest()
  sendAnswers()
}

async function begin(message: WorkerTask): Promise<void> {
  const task = new Task(progress, limits, message)
  current = task
  answers.push(await outcome(task, message))
}

async function outcome(task: Task, message: WorkerTask): Promise<Outcome> {
  try {
    return await run(task, message)
  } catch (error) {
    return {
      type: 'failed',
      task: message.id,
      message: messageOf(error),
      trace: traceOf(error),
      failure: error instanceof Failure ? error.code : null,
      system: (error as NodeJS.ErrnoException | null)?.code ?? null,
    }
  }
}

function sendAnswers(): void {
  if (answers.length > 0) send({ type: 'answers', answers: answers.splice(0) })
}

/** No task is at work. */
function rest(): void {
  current = null
  noTask.note('idle')
  warmLater()
}

async function run(task: Task, message: WorkerTask): Promise<Outcome> {
  if (message.kind === 'verify') {
    const finished = await verify(task, message.input as TaskInput<'verify'>, {
      held,
      scanner,
      buffer,
      send: (items) => send({ type: 'items', task: message.id, items }),
      paused,
    })
    return finished ? { type: 'done', task: message.id, output: null } : { type: 'paused', task: message.id }
  }
  return { type: 'done', task: message.id, output: await output(task, message) }
}

/** The index and libmagic are loaded by the first task that needs them: a process that checks texts never does. */
async function output(task: Task, message: WorkerTask): Promise<TaskOutput<TaskKind>> {
  switch (message.kind) {
    case 'copyAndHash': {
      const input = message.input as TaskInput<'copyAndHash'>
      return copyAndHash(task, input, buffer, input.examine === null ? null : await examiner())
    }
    case 'unpack': {
      const { unpack } = await import('./unpack.ts')
      return unpack(task, message.input as TaskInput<'unpack'>, archive)
    }
    case 'check':
      return check(task, message.input as TaskInput<'check'>, engine)
    case 'digest':
      return digest(task, message.input as TaskInput<'digest'>)
    case 'plan':
      return plan(task, message.input as TaskInput<'plan'>)
    case 'entropy':
      return entropy(task, message.input as TaskInput<'entropy'>)
    case 'tlsh': {
      const { tlsh } = await import('./tlsh.ts')
      return tlsh(task, message.input as TaskInput<'tlsh'>)
    }
    case 'examine':
      return (await examiner()).examine(task, message.input as TaskInput<'examine'>)
    case 'evaluate': {
      const { evaluate } = await import('./evaluate.ts')
      return evaluate(task, message.input as TaskInput<'evaluate'>, held)
    }
    case 'readProgram': {
      const { readStoredProgram } = await import('./indexing.ts')
      return readStoredProgram(task, message.input as TaskInput<'readProgram'>, { buffer, engineFacts, programFacts })
    }
    case 'sign': {
      const { sign } = await import('./indexing.ts')
      return sign(task, message.input as TaskInput<'sign'>, { buffer, engineFacts })
    }
    case 'merge': {
      const { merge } = await import('./indexing.ts')
      return merge(task, message.input as TaskInput<'merge'>)
    }
    case 'verify':
      throw new Error('A verify task sends its results item by item.')
  }
}

async function examiner(): Promise<SampleExaminer> {
  if (sampleExaminer === null) {
    const { createIdentifier } = await import('../../identification/index.ts')
    const { SampleExaminer } = await import('./examine.ts')
    const identifier = await createIdentifier()
    sampleExaminer = new SampleExaminer({ held, scanner, buffer, engineFacts, programFacts, identifier })
  }
  return sampleExaminer
}

async function paused(): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve))
  return pause
}

/** Compiles one ruleset of a warm set at a time while nothing else is asked, letting messages in between. */
function warmLater(): void {
  if (current !== null || warming !== null) return
  warming = setTimeout(warm, IDLE_BEFORE_WARMING_MS)
}

function warm(): void {
  warming = null
  const ruleset = held.nextToWarm()
  if (ruleset === null) {
    // Node would do it at the end, but the pool ends its workers without a word. It takes no time when nothing is new.
    flushCompileCache()
    return
  }
  scanner.warm(noTask, ruleset)
  noTask.note('idle')
  warming = setTimeout(warm, 0)
}

function send(message: FromWorker): void {
  process.send?.(message)
}
