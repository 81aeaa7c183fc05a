import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import { SegmentReader, segmentReads } from '../../index/index.ts'
import { asksForVariables, NamedSamples, PlanBatch } from '../../planner/index.ts'
import { planDigest } from '../ruleset-digests.ts'
import type { RunnableRuleset, SegmentUse, TaskInput, TaskOutput } from '../tasks.ts'
import type { HeldRulesets, HeldSet } from './rulesets.ts'
import type { Task } from './task.ts'

/** Segments stay open between hunts, with the columns that were read. */
const OPEN_SEGMENTS = 64

interface OpenSegment {
  readonly reader: SegmentReader
  /** Distinguishes a file from another one of its name, and from itself before a change. */
  readonly state: string | null
}

const open = new LRUCache<string, OpenSegment>({ max: OPEN_SEGMENTS, dispose: ({ reader }) => reader.close() })
/**
 * Laying out plans costs more than asking a segment, and hunts ask with the same rulesets again and again. By the plans, in
 * their order.
 */
const batches = new LRUCache<string, PlanBatch>({ max: 8 })

/** Which samples of a segment the plans of a set cannot rule out. */
export function evaluate(task: Task, input: TaskInput<'evaluate'>, held: HeldRulesets): TaskOutput<'evaluate'> {
  task.note('evaluate')
  const used = segmentUse()
  const set = held.set(input.ruleSet)
  const asked = input.rulesets === null ? set.rulesets : rulesetsOf(set, input.rulesets)
  const batch = batchOf(asked, held)
  const reader = segment(input.segment)
  const { after, upTo } = input
  const only = input.only === null ? null : new Set(input.only)
  const all = only === null && after < reader.firstId && upTo >= reader.lastId
  const admits = (id: number) => id > after && id <= upTo && (only === null || only.has(id))
  try {
    const named = input.names === null ? null : new NamedSamples(input.names)
    const found = batch.candidates(reader, all ? null : admits, named)
    const candidates: TaskOutput<'evaluate'>['candidates'][number][] = []
    for (const [index, ruleset] of asked.entries()) {
      const samples = found[index]
      if (samples === undefined || samples.length === 0) continue
      const asksForNames = named === null && asksForVariables(held.plan(ruleset))
      candidates.push({ ruleset: ruleset.key, samples, asksForNames })
    }
    return { candidates, use: used() }
  } catch (error) {
    // A damaged file will be replaced; nothing that was read of it is kept.
    open.delete(input.segment)
    throw error
  }
}

/** Gives what it took from now on. */
function segmentUse(): () => SegmentUse {
  const { reads, bytes } = segmentReads
  const worked = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(worked)
    return { reads: segmentReads.reads - reads, bytes: segmentReads.bytes - bytes, microseconds: user + system }
  }
}

function rulesetsOf(set: HeldSet, keys: readonly string[]): readonly RunnableRuleset[] {
  return keys.map((key) => {
    const ruleset = set.byKey.get(key)
    if (ruleset === undefined) throw new Error(`The ruleset ${key} is not in the set of the task.`)
    return ruleset
  })
}

function batchOf(rulesets: readonly RunnableRuleset[], held: HeldRulesets): PlanBatch {
  const plans = plansKey(rulesets)
  const batch = batches.get(plans) ?? new PlanBatch(rulesets.map((ruleset) => held.plan(ruleset)))
  batches.set(plans, batch)
  return batch
}

function plansKey(rulesets: readonly RunnableRuleset[]): string {
  const all = createHash('sha256')
  for (const ruleset of rulesets) all.update(planDigest(ruleset))
  return all.digest('hex')
}

function segment(path: string): SegmentReader {
  const state = stateOf(path)
  const known = open.get(path)
  if (known?.state === state) return known.reader
  open.delete(path)
  const reader = SegmentReader.open(path)
  for (const other of [...open.keys()]) if (stateOf(other) === null) open.delete(other)
  open.set(path, { reader, state })
  return reader
}

/** A reader verifies each block once; when the file is another than it was, it has to begin anew. */
function stateOf(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}` : null
}
