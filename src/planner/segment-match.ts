/**
 * Many plans against the samples of a segment at once, group by group: first the gates (prefilter.ts), which are decided from
 * columns in memory, then, for the columns and the plans that got through one, the rows (evaluator.ts).
 */
import { LRUCache } from 'lru-cache'
import type { SegmentGroup } from '../index/index.ts'
import { planKey } from './algebra.ts'
import { type Columns, Evaluator } from './evaluator.ts'
import type { NamedSamples } from './named-samples.ts'
import type { Plan } from './plan.ts'
import { applyPrefilter, GroupFacts, prefilterOf } from './prefilter.ts'
import { compilePlans, type Program } from './program.ts'

/** Words of a table with a row for each node; a group that needs more is evaluated some columns at a time. */
const TABLE_WORDS = 1 << 23
/** Lists of nodes that are kept. */
const KEPT_LISTS = 256

/** The part of a segment reader that is asked. */
export interface GroupedSamples {
  readonly groups: readonly SegmentGroup[]
}

/** A gate, and the plans (their numbers) behind it. */
interface Prefilter {
  readonly plan: Plan
  readonly plans: readonly number[]
}

/** A list of plans, compiled to be evaluated together over one segment after another. Not for use by two at once. */
export class PlanBatch {
  readonly #program: Program
  readonly #evaluator: Evaluator
  readonly #prefilters: readonly Prefilter[]
  /** Nodes to evaluate, by which gates are open. */
  readonly #nodes = new LRUCache<string, Int32Array>({ max: KEPT_LISTS })

  constructor(plans: readonly Plan[]) {
    this.#program = compilePlans(plans)
    this.#evaluator = new Evaluator(this.#program)
    const prefilters = plans.map(prefilterOf)
    this.#prefilters = [...Map.groupBy(plans.keys(), (plan) => planKey(prefilters[plan] as Plan)).values()].map(
      (numbers) => ({
        plan: prefilters[numbers[0] as number] as Plan,
        plans: numbers,
      }),
    )
  }

  /**
   * For every plan, in the order given, the ids of the samples that it cannot rule out, ascending. `admits` leaves
   * samples out by id before anything is read; null for none. `named`: what the samples are called; without it no plan
   * is decided by their names. @throws Failure `segment.damaged`
   */
  candidates(
    segment: GroupedSamples,
    admits: ((id: number) => boolean) | null,
    named: NamedSamples | null = null,
  ): Uint32Array[] {
    const ids: number[][] = Array.from(this.#program.roots, () => [])
    for (const group of segment.groups) {
      for (const columns of this.#applyPrefilters(group, admits, named)) {
        this.#evaluator.narrow(columns, (plan, left) => addIds(columns, left, ids[plan] as number[]))
      }
    }
    return ids.map((list) => Uint32Array.from(list).sort())
  }

  /** The columns that get through any gate, as many at a time as the tables hold. */
  *#applyPrefilters(
    group: SegmentGroup,
    admits: ((id: number) => boolean) | null,
    named: NamedSamples | null,
  ): Generator<Columns> {
    const among = admitted(group, admits)
    const facts = new GroupFacts(group, named)
    const prefilters = this.#prefilters.map(({ plan, plans }) => ({
      plans,
      through: applyPrefilter(plan, among, facts),
    }))
    const wanted = Array.from({ length: group.words }, (_, w) => w).filter((w) =>
      prefilters.some(({ through }) => through[w] !== 0),
    )
    const atOnce = Math.max(1, Math.floor(TABLE_WORDS / this.#program.nodes))
    for (let from = 0; from < wanted.length; from += atOnce) {
      const words = Int32Array.from(wanted.slice(from, from + atOnce))
      const open = prefilters.map(({ through }) => words.some((w) => through[w] !== 0))
      const within: (Uint32Array | null)[] = Array(this.#program.roots.length).fill(null)
      prefilters.forEach((prefilter, g) => {
        if (!open[g]) return
        const columns = Uint32Array.from(words, (w) => prefilter.through[w] as number)
        for (const plan of prefilter.plans) within[plan] = columns
      })
      yield { group, facts, words, within, nodes: this.#nodesBehind(open) }
    }
  }

  #nodesBehind(open: readonly boolean[]): Int32Array {
    const key = open.map(Number).join('')
    let nodes = this.#nodes.get(key)
    if (nodes === undefined) {
      nodes = this.#nodesOf(this.#prefilters.flatMap(({ plans }, g) => (open[g] ? plans : [])))
      this.#nodes.set(key, nodes)
    }
    return nodes
  }

  /** The nodes of some plans with all that is below them, ascending. */
  #nodesOf(plans: readonly number[]): Int32Array {
    const { nodes, roots, childStart, children } = this.#program
    const has = new Uint8Array(nodes)
    for (const plan of plans) has[roots[plan] as number] = 1
    for (let node = nodes - 1; node >= 0; node--) {
      if (has[node] === 0) continue
      for (let i = childStart[node] as number; i < (childStart[node + 1] as number); i++) has[children[i] as number] = 1
    }
    return Int32Array.from(has.keys().filter((node) => has[node] === 1))
  }
}

/** Adds the ids of the samples whose columns are set. */
function addIds({ group, words }: Columns, columns: Uint32Array, ids: number[]): void {
  for (let w = 0; w < words.length; w++) {
    let left = columns[w] as number
    while (left !== 0) {
      ids.push(group.ids[(words[w] as number) * 32 + 31 - Math.clz32(left & -left)] as number)
      left &= left - 1
    }
  }
}

/** The columns of the group that are asked about. */
function admitted(group: SegmentGroup, admits: ((id: number) => boolean) | null): Uint32Array {
  const columns = new Uint32Array(group.words)
  if (admits === null) {
    columns.fill(0xffffffff)
    const last = group.count & 31
    if (last !== 0) columns[columns.length - 1] = 2 ** last - 1
    return columns
  }
  for (let s = 0; s < group.count; s++) {
    if (admits(group.ids[s] as number)) columns[s >> 5] = (columns[s >> 5] as number) | (1 << (s & 31))
  }
  return columns
}
