import { randomInt } from 'node:crypto'

/** Repeatable random choices. */
export interface Random {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number
  /** True once in `times` times. */
  once(times: number): boolean
  pick<Item>(items: readonly Item[]): Item
  shuffled<Item>(items: readonly Item[]): Item[]
  bytes(length: number): Uint8Array
}

/** The seed of this run: `BACKTRAIL_SEED`, or a new one. Print it, so that a failure can be had again. */
export function chosenSeed(): number {
  const given = process.env.BACKTRAIL_SEED
  return given === undefined ? randomInt(2 ** 31) : Number(given)
}

export function randomFrom(seed: number): Random {
  let state = seed | 0
  // mulberry32, by Tommy Ettinger
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  const shuffled = <Item>(items: readonly Item[]): Item[] => {
    const order = [...items]
    for (let i = order.length - 1; i > 0; i--) {
      const j = below(i + 1)
      const swapped = order[i] as Item
      order[i] = order[j] as Item
      order[j] = swapped
    }
    return order
  }
  return {
    below,
    once: (times) => below(times) === 0,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    shuffled,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  }
}
