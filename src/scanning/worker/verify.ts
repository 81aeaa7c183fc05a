import { Failure, isShortage, messageOf } from '../../errors/index.ts'
import type { DecidedItem, VerifyResult } from '../protocol.ts'
import type { RunnableRuleset, TaskInput } from '../tasks.ts'
import type { HeldRulesets, HeldSet } from './rulesets.ts'
import type { SampleBuffer } from './sample-buffer.ts'
import type { Scanner } from './scanner.ts'
import type { Task } from './task.ts'

type Input = TaskInput<'verify'>
type Item = Input['items'][number]

export interface VerifyParts {
  readonly held: HeldRulesets
  readonly scanner: Scanner
  readonly buffer: SampleBuffer
  /** Sends what is decided; called with a few items at a time. */
  send(items: readonly DecidedItem[]): void
  /** Lets messages in; true: stop here, the rest is wanted later or not at all. */
  paused(): Promise<boolean>
}

/** Between two looks at what the pool has sent, and between two messages to it. */
const TURN_MS = 20

/**
 * Scans the items in order, sending results as they come. False before the end: it was paused, or stops by itself after
 * an item that has cost workers.
 */
export async function verify(task: Task, input: Input, parts: VerifyParts): Promise<boolean> {
  const set = parts.held.set(input.ruleSet)
  const done = new Set(task.exclusions.done)
  let decided: DecidedItem[] = []
  let turn = performance.now()
  for (const [index, item] of input.items.entries()) {
    if (done.has(index)) continue
    if (performance.now() - turn >= TURN_MS) {
      if (decided.length > 0) parts.send(decided)
      decided = []
      if (await parts.paused()) return false
      turn = performance.now()
    }
    const one = verifyItem(task, index, item, set, input.strings, parts)
    decided.push(one)
    // The pool has to know before the next item, which may end this process as well: what failed here may be left out
    // from now on, and only the pool knows.
    if (task.exclusions.pairs.some((pair) => pair.item === index)) {
      parts.send(decided)
      return false
    }
  }
  if (decided.length > 0) parts.send(decided)
  return true
}

function verifyItem(
  task: Task,
  index: number,
  item: Item,
  set: HeldSet,
  strings: boolean,
  parts: VerifyParts,
): DecidedItem {
  const rulesets = rulesetsOf(item, set)
  const lost = task.exclusions.pairs.find((pair) => pair.item === index && pair.ruleset === null)
  if (lost !== undefined) return refused(index, item, rulesets, lost.failure.message)
  const idle = parts.scanner.nothingToRun(rulesets)
  if (idle !== null) return { item: index, result: { sample: item.sample, hits: [], errors: idle }, scannedBytes: 0 }
  task.note('read', { item: index })
  let bytes: Buffer
  try {
    bytes = parts.buffer.read(item.path, item.size, task.progress)
  } catch (error) {
    const message = `the sample cannot be read: ${messageOf(error)}`
    // Whoever asks waits, and asks again.
    if (isShortage(error)) throw new Failure('storage.unavailable', message)
    return refused(index, item, rulesets, message)
  }
  const { hits, errors, scannedBytes } = parts.scanner.scan(task, {
    item: index,
    bytes,
    variables: item.variables,
    ...(item.alsoNamed && { alsoNamed: item.alsoNamed }),
    set,
    rulesets,
    strings,
  })
  return { item: index, result: { sample: item.sample, hits, errors }, scannedBytes }
}

function rulesetsOf(item: Item, set: HeldSet): readonly RunnableRuleset[] {
  if (item.rulesets === null) return set.rulesets
  return item.rulesets.map((key) => {
    const ruleset = set.byKey.get(key)
    if (ruleset === undefined) throw new Error(`The ruleset ${key} is not in the set of the task.`)
    return ruleset
  })
}

function refused(index: number, item: Item, rulesets: readonly RunnableRuleset[], message: string): DecidedItem {
  const result: VerifyResult = {
    sample: item.sample,
    hits: [],
    errors: rulesets.map((ruleset) => ({ ruleset: ruleset.key, reason: 'unreadable', message })),
  }
  return { item: index, result, scannedBytes: 0 }
}
