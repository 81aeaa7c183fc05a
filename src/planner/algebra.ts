/**
 * Putting plans together. Each function here gives a plan that lets through at least the samples that it should, and
 * keeps the tree small: nested `and`s and `or`s are flat, nothing stands twice beside itself, what follows from a
 * neighbour is dropped, sizes are intersected.
 */
import { hash } from 'node:crypto'
import type { ProgramField } from '../index/index.ts'
import type { Fact, Plan } from './plan.ts'

/** Nodes and grams of one rule's plan, counted as a tree. A ruleset's plan may be as heavy as its rules together. */
const MAX_WEIGHT = 100_000
/** Levels of a plan; rules that refer to each other make deep ones, and whatever reads a plan goes down its levels. */
const MAX_DEPTH = 200

export const always: Plan = { kind: 'may', why: 'nothing is demanded' }

export function may(why: string): Plan {
  return { kind: 'may', why }
}

/** As `may`, for what was too large to be looked up, or not understood: whoever wrote the rule should hear of it. */
export function givenUp(why: string): Plan {
  return { kind: 'may', why, givenUp: true }
}

export function never(why: string): Plan {
  return { kind: 'never', why }
}

export function factPlan(fact: Fact): Plan {
  return { kind: 'fact', fact }
}

export function sizePlan(min: number, max: number): Plan {
  if (min <= 0 && max === Number.POSITIVE_INFINITY) return always
  if (max < 0 || max < min) return never('no file has such a size')
  return factPlan({ kind: 'size', min: Math.max(0, min), max })
}

/** All of the parts. */
export function allOf(parts: readonly Plan[]): Plan {
  const flat: Plan[] = []
  let min = 0
  let max = Number.POSITIVE_INFINITY
  let why: Plan | null = null
  for (const part of parts.flatMap((part) => (part.kind === 'and' ? part.parts : [part]))) {
    if (part.kind === 'never') return part
    if (part.kind === 'may') {
      if (part !== always) why ??= part
    } else if (part.kind === 'fact' && part.fact.kind === 'size') {
      min = Math.max(min, part.fact.min)
      max = Math.min(max, part.fact.max)
    } else flat.push(part)
  }
  if (max < min) return never('no file has such a size')
  // A read inside the file says how long the file is at least.
  const size = sizePlan(min <= Math.max(0, ...flat.map(leastSize)) ? 0 : min, max)
  const followable = flat.filter((part) => depthOf(part) < MAX_DEPTH)
  if (followable.length < flat.length) why ??= tooDeep
  const kept = lightened(withoutFollowing(size.kind === 'may' ? followable : [size, ...followable], 'or'))
  if (kept.length === 0) return why ?? always
  if (kept.length === 1) return kept[0] as Plan
  return { kind: 'and', parts: kept.toSorted((left, right) => cost(left) - cost(right)) }
}

function leastSize(plan: Plan): number {
  if (plan.kind !== 'fact') return 0
  if (plan.fact.kind === 'bytes') return plan.fact.offset + plan.fact.value.length
  return plan.fact.kind === 'integer' ? plan.fact.offset + plan.fact.width : 0
}

/** One of the parts. Without parts, nothing can match. */
export function anyOf(parts: readonly Plan[], maxWeight = MAX_WEIGHT): Plan {
  const flat: Plan[] = []
  let why: Plan = never('there is nothing to choose from')
  for (const part of parts.flatMap((part) => (part.kind === 'or' ? part.parts : [part]))) {
    if (part.kind === 'may') return part
    if (part.kind === 'never') why = part
    else flat.push(part)
  }
  const kept = withoutFollowing(textsTogether(variablesTogether(signersTogether(flat))), 'and')
  if (kept.length === 0) return why
  if (kept.length === 1) return kept[0] as Plan
  const shared = sharedBy(kept)
  if (shared.size === 0) return bearable({ kind: 'or', parts: kept }, maxWeight)
  // Nothing but the shared parts cannot be left of any: such a part would have made the others superfluous.
  const rests = kept.map((part) => allOf(partsOf(part).filter((choice) => !shared.has(planKey(choice)))))
  return allOf([...shared.values(), anyOf(rests, maxWeight)])
}

/** One look at the signers instead of hundreds: blocklists name one serial number after the other. */
function signersTogether(choices: readonly Plan[]): readonly Plan[] {
  const serials = new Set<string>()
  const others = choices.filter((choice) => {
    if (choice.kind !== 'fact' || choice.fact.kind !== 'signer') return true
    for (const serial of choice.fact.serials) serials.add(serial)
    return false
  })
  if (choices.length - others.length < 2) return choices
  return [factPlan({ kind: 'signer', serials: [...serials].sort() }), ...others]
}

/** One look at a variable instead of hundreds: lists of names are written as one comparison after the other. */
function variablesTogether(choices: readonly Plan[]): readonly Plan[] {
  const variables = new Map<string, { readonly fact: VariableFact; readonly values: Set<string> }>()
  const others = choices.filter((choice) => {
    if (choice.kind !== 'fact' || choice.fact.kind !== 'variable' || choice.fact.isNegated) return true
    const { variable, relation, ignoresCase, values } = choice.fact
    const key = `${variable} ${relation} ${ignoresCase}`
    const together = variables.get(key) ?? { fact: choice.fact, values: new Set() }
    for (const value of values) together.values.add(value)
    variables.set(key, together)
    return false
  })
  if (others.length + variables.size === choices.length) return choices
  const facts = [...variables.values()].map(({ fact, values }) => factPlan({ ...fact, values: [...values].sort() }))
  return [...facts, ...others]
}

/** As with signers: lists of import hashes. */
function textsTogether(choices: readonly Plan[]): readonly Plan[] {
  const texts = new Map<ProgramField, Set<string>>()
  const others = choices.filter((choice) => {
    if (choice.kind !== 'fact' || choice.fact.kind !== 'programText') return true
    const some = texts.get(choice.fact.field) ?? new Set()
    for (const text of choice.fact.texts) some.add(text)
    texts.set(choice.fact.field, some)
    return false
  })
  if (others.length + texts.size === choices.length) return choices
  const facts = [...texts].map(([field, some]) => factPlan({ kind: 'programText', field, texts: [...some].sort() }))
  return [...facts, ...others]
}

type VariableFact = Extract<Fact, { readonly kind: 'variable' }>

/** What all of the choices demand: `(A and B) or (A and C)` is `A and (B or C)`. */
function sharedBy(choices: readonly Plan[]): Map<string, Plan> {
  const shared = new Map(partsOf(choices[0] as Plan).map((part) => [planKey(part), part]))
  for (const choice of choices) {
    const keys = new Set(partsOf(choice).map(planKey))
    for (const key of shared.keys()) if (!keys.has(key)) shared.delete(key)
    if (shared.size === 0) break
  }
  return shared
}

/** What a plan demands all of. */
export function partsOf(plan: Plan): readonly Plan[] {
  return plan.kind === 'and' ? plan.parts : [plan]
}

/** At least `count` of the parts, counting a part that stands there twice as two. */
export function atLeast(count: number, parts: readonly Plan[]): Plan {
  const open = parts.filter((part) => part.kind === 'may')
  const missing = count - open.length
  if (missing <= 0) return open[0] ?? always
  const rest = parts.filter((part) => part.kind !== 'may' && part.kind !== 'never')
  if (rest.length < missing) return never(`fewer than ${count} of the parts can hold`)
  if (missing === 1) return anyOf(rest)
  if (missing === rest.length) return allOf(rest)
  return bearable({ kind: 'atLeast', count: missing, parts: rest }, MAX_WEIGHT)
}

/**
 * The parts without doubles, and without those of the `inner` kind that another part makes superfluous:
 * `A and (A or B)` is `A`, and `A or (A and B)` is `A`.
 */
function withoutFollowing(parts: readonly Plan[], inner: 'and' | 'or'): Plan[] {
  if (parts.length < 2) return [...parts]
  const unique = new Map<string, Plan>()
  for (const part of parts) {
    const key = planKey(part)
    if (!unique.has(key)) unique.set(key, part)
  }
  return [...unique.values()].filter(
    (part) => part.kind !== inner || !part.parts.some((choice) => unique.has(planKey(choice))),
  )
}

/** What is cheap to decide comes first. */
function cost(plan: Plan): number {
  return plan.kind === 'fact' ? 0 : plan.kind === 'grams' ? 1 : 2
}

const keys = new WeakMap<Plan, string>()

/** Equal for plans that demand the same, whatever their labels. At most 100 characters. */
export function planKey(plan: Plan): string {
  let key = keys.get(plan)
  if (key === undefined) {
    key = keyOf(plan)
    // Keys hold their parts' keys; without this a deep plan's would grow with the square of its depth.
    if (key.length > 100) key = hash('sha256', key, 'base64')
    keys.set(plan, key)
  }
  return key
}

function keyOf(plan: Plan): string {
  switch (plan.kind) {
    case 'may':
    case 'never':
      return plan.kind
    case 'and':
    case 'or':
      return `${plan.kind}(${plan.parts.map(planKey).join()})`
    case 'atLeast':
      return `${plan.count}(${plan.parts.map(planKey).join()})`
    case 'grams':
      // The hashes of words and text windows say more of the literal than its grams do.
      return [plan.channel, ...[plan.grams, plan.longGrams, plan.textHashes, plan.wordHashes].map(bytesOf)].join(' ')
    case 'fact':
      // Serial numbers and names are whatever a rule says: put side by side, two could read like one.
      return ['signer', 'variable', 'programText'].includes(plan.fact.kind)
        ? JSON.stringify(plan.fact)
        : Object.values(plan.fact).join(' ')
  }
}

/** The numbers as they lie in memory, a character each byte, behind how many there are: writing them out takes far longer. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array): string {
  return `${byteLength} ${Buffer.from(buffer, byteOffset, byteLength).toString('latin1')}`
}

const weights = new WeakMap<Plan, number>()

/** Nodes and grams of the plan as a tree: what evaluating it costs at worst. */
function weightOf(plan: Plan): number {
  switch (plan.kind) {
    case 'grams':
      return 1 + plan.grams.length + plan.longGrams.length + plan.textHashes.length + plan.wordHashes.length
    case 'and':
    case 'or':
    case 'atLeast': {
      let weight = weights.get(plan)
      if (weight === undefined) {
        weight = plan.parts.reduce((sum, part) => sum + weightOf(part), 1)
        weights.set(plan, weight)
      }
      return weight
    }
    default:
      return 1
  }
}

/** A conjunction stays true when demands are dropped: the heaviest go first, until the rest is bearable. */
function lightened(parts: readonly Plan[]): readonly Plan[] {
  if (parts.reduce((sum, part) => sum + weightOf(part), 1) <= MAX_WEIGHT) return parts
  let room = MAX_WEIGHT
  const kept = new Set<Plan>()
  for (const part of [...parts].sort((left, right) => weightOf(left) - weightOf(right))) {
    room -= weightOf(part)
    if (room < 0) break
    kept.add(part)
  }
  return parts.filter((part) => kept.has(part))
}

const tooDeep = givenUp('the condition is nested too deep to be looked up')
const tooHeavy = givenUp('the choice is too large to be looked up')

/** A choice cannot drop anything: too heavy or too deep, it is given up. */
function bearable(plan: Plan, maxWeight: number): Plan {
  if (depthOf(plan) > MAX_DEPTH) return tooDeep
  return weightOf(plan) <= maxWeight ? plan : tooHeavy
}

const depths = new WeakMap<Plan, number>()

/** Levels of the plan: 1 for one without parts. */
export function depthOf(plan: Plan): number {
  if (!('parts' in plan)) return 1
  let depth = depths.get(plan)
  if (depth === undefined) {
    depth = plan.parts.reduce((most, part) => Math.max(most, depthOf(part)), 0) + 1
    depths.set(plan, depth)
  }
  return depth
}

/** The plan is so because it would have cost too much, or because something was not understood. */
export function isGivenUp(plan: Plan): plan is Extract<Plan, { readonly kind: 'may' }> {
  return plan.kind === 'may' && plan.givenUp === true
}
