/**
 * Many plans against the samples of a segment at once, group by group: first the gates (prefilter.ts), which are decided from
 * columns in memory, then, for the columns and the plans that got through one, the rows (evaluator.ts).
 */
import { LRUCache } from 'lru-cache'
import type { SegmentGroup } from '../index/index.ts'
import { allOf, partsOf, planKey } from './algebra.ts'
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
interface Gate {
  readonly number: number
  readonly plan: Plan
  readonly plans: readonly number[]
}

/**
 * Gates with a demand in common, the one that most gates have. Hundreds want a Windows program: where a group has none,
 * all of them are closed at once.
 */
interface Gateway {
  /** Null: they have nothing in common. */
  readonly first: Plan | null
  /** Each with what it demands besides. */
  readonly gates: readonly Gate[]
}

/** A gate with the columns that get through it. */
interface OpenGate {
  readonly gate: Gate
  readonly through: Uint32Array
}

/** A list of plans, compiled to be evaluated together over one segment after another. Not for use by two at once. */
export class PlanBatch {
  readonly #program: Program
  readonly #evaluator: Evaluator
  readonly #gateways: readonly Gateway[]
  /** Nodes to evaluate, by which gates are open. */
  readonly #nodes = new LRUCache<string, Int32Array>({ max: KEPT_LISTS })

  constructor(plans: readonly Plan[]) {
    this.#program = compilePlans(plans)
    this.#evaluator = new Evaluator(this.#program)
    this.#gateways = gatewaysOf(plans)
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
    const open = this.#openGates(among, facts)
    const any = new Uint32Array(group.words)
    for (const { through } of open) {
      for (let w = 0; w < any.length; w++) any[w] = (any[w] as number) | (through[w] as number)
    }
    const wanted = Int32Array.from(any.keys().filter((w) => any[w] !== 0))
    const atOnce = Math.max(1, Math.floor(TABLE_WORDS / this.#program.nodes))
    for (let from = 0; from < wanted.length; from += atOnce) {
      const words = wanted.slice(from, from + atOnce)
      const opened = open.filter(({ through }) => words.some((w) => through[w] !== 0))
      const within: (Uint32Array | null)[] = Array(this.#program.roots.length).fill(null)
      for (const { gate, through } of opened) {
        const columns = Uint32Array.from(words, (w) => through[w] as number)
        for (const plan of gate.plans) within[plan] = columns
      }
      yield { group, facts, words, within, nodes: this.#nodesBehind(opened) }
    }
  }

  #openGates(among: Uint32Array, facts: GroupFacts): OpenGate[] {
    const open: OpenGate[] = []
    for (const { first, gates } of this.#gateways) {
      const left = first === null ? among : applyPrefilter(first, among, facts)
      if (left === null) continue
      for (const gate of gates) {
        const through = applyPrefilter(gate.plan, left, facts)
        if (through !== null) open.push({ gate, through })
      }
    }
    return open
  }

  #nodesBehind(opened: readonly OpenGate[]): Int32Array {
    const key = opened.map(({ gate }) => gate.number).join()
    let nodes = this.#nodes.get(key)
    if (nodes === undefined) {
      nodes = this.#nodesOf(opened.flatMap(({ gate }) => gate.plans))
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

function gatewaysOf(plans: readonly Plan[]): Gateway[] {
  const prefilters = plans.map(prefilterOf)
  const alike = [...Map.groupBy(plans.keys(), (plan) => planKey(prefilters[plan] as Plan)).values()].map((plans) => ({
    parts: partsOf(prefilters[plans[0] as number] as Plan),
    plans,
  }))
  const asked = new Map<string, number>()
  for (const { parts } of alike) for (const fact of parts.filter(isFact)) count(asked, planKey(fact))
  const often = (plan: Plan) => asked.get(planKey(plan)) ?? 0
  const gates = alike.map(({ parts, plans }, number) => {
    const [first] = parts.filter(isFact).sort((left, right) => often(right) - often(left))
    return { first: first ?? null, number, plan: allOf(parts.filter((part) => part !== first)), plans }
  })
  return [...Map.groupBy(gates, ({ first }) => (first === null ? '' : planKey(first))).values()].map((gates) => ({
    first: gates[0]?.first ?? null,
    gates,
  }))
}

const isFact = ({ kind }: Plan) => kind === 'fact'

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
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
