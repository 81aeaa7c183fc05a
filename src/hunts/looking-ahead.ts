/**
 * Does the work on each item, and gives the results in the order of the items. Work on later items begins before an earlier
 * one is done, for as long as `isWanted` says so of those that are under way. Where the caller stops early, or a work fails,
 * what is under way is waited for.
 */
export async function* lookingAhead<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Result>,
  isWanted: (underWay: readonly Item[]) => boolean,
): AsyncGenerator<{ readonly item: Item; readonly result: Result }> {
  const rest = items[Symbol.iterator]()
  const begun: { readonly item: Item; readonly result: Promise<Result> }[] = []
  try {
    for (;;) {
      while (begun.length === 0 || isWanted(begun.map(({ item }) => item))) {
        const { value: item, done } = rest.next()
        if (done) break
        const result = work(item)
        // Its failure is seen when its turn comes.
        result.catch(() => {})
        begun.push({ item, result })
      }
      const first = begun[0]
      if (first === undefined) return
      const result = await first.result
      begun.shift()
      yield { item: first.item, result }
    }
  } finally {
    await Promise.allSettled(begun.map(({ result }) => result))
  }
}
