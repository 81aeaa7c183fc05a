/** Whole numbers from 0 up to a bound, the same for the same seed (mulberry32). */
export type Random = (bound: number) => number

export function randomFrom(seed: number): Random {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

/** The seed of this run: `SEED` in the environment, else always the same, so that a red run means a change. */
export function seedOfThisRun(): number {
  return Number(process.env.SEED ?? 1)
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random(items.length)] as Item
}
