import { gramHash } from '../index/index.ts'
import { planKey } from './algebra.ts'
import type { Fact, Plan } from './plan.ts'

/**
 * Many plans as one graph of small integers, in which equal parts are one node. Children have lower numbers than their
 * parents, so that one pass upwards and one pass downwards each see everything they need.
 */
export interface Program {
  readonly nodes: number
  /** One of the numbers of `op`. */
  readonly kinds: Uint8Array
  /** For `atLeast`: how many; for facts: the place in `facts`. */
  readonly values: Int32Array
  /** Children of node n: `children[childStart[n]]` up to, not including, `children[childStart[n + 1]]`. */
  readonly childStart: Int32Array
  readonly children: Int32Array
  readonly facts: readonly Fact[]
  /** The literals' grams, in the portions in which they are asked for. */
  readonly waves: readonly Wave[]
  /** The node of each plan, in the order given. */
  readonly roots: Int32Array
}

/** Some grams of every literal that has so many, by ascending hash. A longer signature only tells hashes further apart. */
export interface Wave {
  readonly hashes: Uint32Array
  /** The literal's node, for each hash. */
  readonly nodes: Int32Array
}

/** Grams of a literal in its first waves; the last entry goes for all that follow. */
const WAVES = [3, 4, 8] as const

export const op = { may: 0, never: 1, and: 2, or: 3, atLeast: 4, grams: 5, fact: 6 } as const

export function compilePlans(plans: readonly Plan[]): Program {
  const kinds: number[] = []
  const values: number[] = []
  const childLists: (readonly number[])[] = []
  const facts: Fact[] = []
  const grams: { readonly node: number; readonly hashes: Uint32Array }[] = []
  const known = new Map<string, number>()

  const nodeOf = (plan: Plan): number => {
    const key = planKey(plan)
    const found = known.get(key)
    if (found !== undefined) return found
    let value = 0
    let children: number[] = []
    switch (plan.kind) {
      case 'and':
      case 'or':
      case 'atLeast':
        children = plan.parts.map(nodeOf)
        if (plan.kind === 'atLeast') value = plan.count
        break
      case 'fact':
        value = facts.push(plan.fact) - 1
        break
    }
    const node = kinds.push(op[plan.kind]) - 1
    if (plan.kind === 'grams') grams.push({ node, hashes: plan.grams.map((gram) => gramHash(plan.channel, gram)) })
    values.push(value)
    childLists.push(children)
    known.set(key, node)
    return node
  }

  const roots = Int32Array.from(plans, nodeOf)
  const childStart = new Int32Array(kinds.length + 1)
  childLists.forEach((list, node) => {
    childStart[node + 1] = (childStart[node] as number) + list.length
  })
  return {
    nodes: kinds.length,
    kinds: Uint8Array.from(kinds),
    values: Int32Array.from(values),
    childStart,
    children: Int32Array.from(childLists.flat()),
    facts,
    waves: wavesOf(grams),
    roots,
  }
}

function wavesOf(literals: readonly { readonly node: number; readonly hashes: Uint32Array }[]): Wave[] {
  const waves: Wave[] = []
  let from = 0
  let left = literals
  while (left.length > 0) {
    const to = from + (WAVES[waves.length] ?? (WAVES[WAVES.length - 1] as number))
    const asked = left.flatMap(({ node, hashes }) => Array.from(hashes.subarray(from, to), (hash) => ({ hash, node })))
    asked.sort((one, other) => one.hash - other.hash)
    waves.push({
      hashes: Uint32Array.from(asked, ({ hash }) => hash),
      nodes: Int32Array.from(asked, ({ node }) => node),
    })
    from = to
    left = left.filter(({ hashes }) => hashes.length > to)
  }
  return waves
}
