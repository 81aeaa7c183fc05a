import { gramHash, longGramHash } from '../index/index.ts'
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
  readonly facts: readonly { readonly key: string; readonly fact: Fact }[]
  /** What is asked of all literals by ascending hash: a longer signature only tells hashes further apart. */
  readonly hashes: Uint32Array
  /** The literal (its node) that each hash is of. */
  readonly literals: Int32Array
  /** Where literal n's hashes stand in `hashes`, in the order to ask for them: `asks[askStart[n]]` and on. */
  readonly askStart: Int32Array
  readonly asks: Int32Array
  /**
   * Where among literal n's asks those of each kind begin: of long windows first, then of text windows, of words, and of
   * short ones. Not every sample can be asked for all of them.
   */
  readonly asksFrom: Readonly<Record<'text' | 'words' | 'short', Int32Array>>
  /** The node of each plan, in the order given. */
  readonly roots: Int32Array
}

export const op = { may: 0, never: 1, and: 2, or: 3, atLeast: 4, grams: 5, fact: 6 } as const

export function compilePlans(plans: readonly Plan[]): Program {
  const kinds: number[] = []
  const values: number[] = []
  const childLists: (readonly number[])[] = []
  const facts: { readonly key: string; readonly fact: Fact }[] = []
  const literals: Literal[] = []
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
        value = facts.push({ key, fact: plan.fact }) - 1
        break
    }
    const node = kinds.push(op[plan.kind]) - 1
    if (plan.kind === 'grams') {
      const long = Array.from(plan.longGrams, (gram) => longGramHash(plan.channel, gram))
      const short = Array.from(plan.grams, (gram) => gramHash(plan.channel, gram))
      const { textHashes, wordHashes } = plan
      const text = long.length
      const words = text + textHashes.length
      literals.push({
        node,
        hashes: [...long, ...textHashes, ...wordHashes, ...short],
        text,
        words,
        short: words + wordHashes.length,
      })
    }
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
    ...inOrderOfHashes(literals, kinds.length),
    asksFrom: asksFromOf(literals, kinds.length),
    roots,
  }
}

/** A literal's node, the hashes to ask for, and where among them those of each kind begin. */
interface Literal {
  readonly node: number
  readonly hashes: readonly number[]
  readonly text: number
  readonly words: number
  readonly short: number
}

function asksFromOf(literals: readonly Literal[], nodes: number): Program['asksFrom'] {
  const from = { text: new Int32Array(nodes), words: new Int32Array(nodes), short: new Int32Array(nodes) }
  for (const { node, text, words, short } of literals) {
    from.text[node] = text
    from.words[node] = words
    from.short[node] = short
  }
  return from
}

function inOrderOfHashes(
  literals: readonly Literal[],
  nodes: number,
): Pick<Program, 'hashes' | 'literals' | 'askStart' | 'asks'> {
  const askStart = new Int32Array(nodes + 1)
  for (const { node, hashes } of literals) askStart[node + 1] = hashes.length
  for (let node = 0; node < nodes; node++)
    askStart[node + 1] = (askStart[node + 1] as number) + (askStart[node] as number)
  const total = askStart[nodes] as number
  const asked = new Uint32Array(total)
  const askers = new Int32Array(total)
  for (const { node, hashes } of literals) {
    asked.set(hashes, askStart[node] as number)
    askers.fill(node, askStart[node], askStart[node + 1])
  }
  const order = ascending(asked)
  const asks = new Int32Array(total)
  order.forEach((ask, place) => {
    asks[ask] = place
  })
  return {
    hashes: order.map((ask) => asked[ask] as number),
    literals: Int32Array.from(order, (ask) => askers[ask] as number),
    askStart,
    asks,
  }
}

/**
 * The places of the values by ascending value, equal ones as they stand: sorted by the lower half of their bits, then by
 * the upper. Large texts have a million grams, and comparing them costs more than everything else here together.
 */
function ascending(values: Uint32Array): Uint32Array {
  let order = Uint32Array.from(values.keys())
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(0x10001)
    const halfOf = (place: number) => ((values[place] as number) >>> shift) & 0xffff
    for (const place of order) starts[halfOf(place) + 1] = (starts[halfOf(place) + 1] as number) + 1
    for (let half = 0; half < 0x10000; half++)
      starts[half + 1] = (starts[half + 1] as number) + (starts[half] as number)
    const sorted = new Uint32Array(order.length)
    for (const place of order) {
      const to = starts[halfOf(place)] as number
      starts[halfOf(place)] = to + 1
      sorted[to] = place
    }
    order = sorted
  }
  return order
}
