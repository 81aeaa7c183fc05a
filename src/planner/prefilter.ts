/**
 * The prefilter of a plan: what it demands of a sample's facts alone, with every gram taken for granted.
 *
 * Facts are columns in memory, grams are rows in a file. And most rules ask for a kind of file first, so a few prefilters
 * speak for many plans: of 274 public rulesets, most want the same MZ header. A group of a segment is therefore asked
 * about the prefilters before anything else, and only the columns, and only the plans, that get through one are evaluated.
 *
 *     and                     prefilter:   and                   of 948 rules that differ in `$a` and `$b` only,
 *     ├─ uint16(0) == 0x5a4d               uint16(0) == 0x5a4d   one prefilter
 *     └─ or ─ $a, $b
 */
import type { SegmentGroup } from '../index/index.ts'
import { allOf, always, anyOf, planKey } from './algebra.ts'
import { factColumns } from './fact-columns.ts'
import { memoized } from './memoized.ts'
import type { NamedSamples } from './named-samples.ts'
import type { Fact, Plan } from './plan.ts'

/** A plan without grams that lets through at least what `plan` does. */
export function prefilterOf(plan: Plan): Plan {
  return prefilterWithin(plan, new Map())
}

/** Parts of a plan may stand in many places: each is looked at once. */
function prefilterWithin(plan: Plan, known: Map<Plan, Plan>): Plan {
  let prefilter = known.get(plan)
  if (prefilter === undefined) {
    prefilter = makePrefilter(plan, known)
    known.set(plan, prefilter)
  }
  return prefilter
}

function makePrefilter(plan: Plan, known: Map<Plan, Plan>): Plan {
  switch (plan.kind) {
    case 'grams':
      return always
    case 'and':
      return allOf(plan.parts.map((part) => prefilterWithin(part, known)))
    case 'or':
      return anyOf(plan.parts.map((part) => prefilterWithin(part, known)))
    case 'atLeast': {
      const prefilters = plan.parts.map((part) => prefilterWithin(part, known))
      const granted = prefilters.filter(({ kind }) => kind === 'may').length
      // Several facts at once are rare, so one stands for them.
      return granted >= plan.count ? always : anyOf(prefilters.filter(({ kind }) => kind !== 'may'))
    }
    default:
      return plan
  }
}

/**
 * Facts that hold for no sample of a group, by their `planKey`. Most of a blocklist's do, and hunt after hunt asks for
 * them. Without those of variables: names change.
 */
const knownNowhere = memoized((_group: SegmentGroup) => new Set<string>())
/** Of a group; there may be a thousand groups. */
const MOST_KNOWN = 2_048

/** The columns of facts over one group, each made when it is first asked for: bit `s & 31` of word `s >> 5`. */
export class GroupFacts {
  readonly #group: SegmentGroup
  readonly #named: NamedSamples | null
  readonly #columns = new Map<string, Uint32Array | null>()

  /** `named`: what the samples are called, where that is known. */
  constructor(group: SegmentGroup, named: NamedSamples | null) {
    this.#group = group
    this.#named = named
  }

  /** `key` is the `planKey` of the fact. Null where it holds for no sample. */
  columns(key: string, fact: Fact): Uint32Array | null {
    const known = this.#columns.get(key)
    if (known !== undefined) return known
    const nowhere = knownNowhere(this.#group)
    if (nowhere.has(key)) return null
    const columns = this.#make(fact)
    if (columns === null && fact.kind !== 'variable') {
      if (nowhere.size >= MOST_KNOWN) nowhere.clear()
      nowhere.add(key)
    }
    this.#columns.set(key, columns)
    return columns
  }

  #make(fact: Fact): Uint32Array | null {
    const columns = new Uint32Array(this.#group.words)
    factColumns(fact, this.#group, columns, this.#named)
    return columns.every((word) => word === 0) ? null : columns
  }
}

/** The columns among `among` that get through a gate; null where none does. */
export function applyPrefilter(prefilter: Plan, among: Uint32Array, facts: GroupFacts): Uint32Array | null {
  switch (prefilter.kind) {
    case 'never':
      return null
    case 'fact': {
      const columns = facts.columns(planKey(prefilter), prefilter.fact)
      return columns === null ? null : both(among, columns)
    }
    case 'and': {
      // Most gates are closed by one fact that holds nowhere; looking for it costs less than narrowing.
      for (const part of prefilter.parts) {
        if (part.kind === 'fact' && facts.columns(planKey(part), part.fact) === null) return null
      }
      let left: Uint32Array | null = among
      for (const part of prefilter.parts) {
        left = applyPrefilter(part, left, facts)
        if (left === null) return null
      }
      return left
    }
    case 'or': {
      let through: Uint32Array | null = null
      for (const part of prefilter.parts) {
        const some = applyPrefilter(part, among, facts)
        if (some === null) continue
        if (through === null) through = some.slice()
        else for (let w = 0; w < through.length; w++) through[w] = (through[w] as number) | (some[w] as number)
      }
      return through
    }
    default:
      return among
  }
}

/** Null where nothing is left. */
function both(one: Uint32Array, other: Uint32Array): Uint32Array | null {
  const left = new Uint32Array(one.length)
  let any = 0
  for (let w = 0; w < left.length; w++) any |= left[w] = (one[w] as number) & (other[w] as number)
  return any === 0 ? null : left
}
