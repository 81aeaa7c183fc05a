/**
 * Storing a checkpoint takes a unit of work, whatever it holds: small ones that come soon after each other are stored as one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Checkpoint } from './checkpoint.ts'

/** How long what was found waits for more, and samples with hits that are stored at once. */
const JOINED_MS = 100
const MOST_JOINED = 256

/** The checkpoints in their order, fewer of them. Their source is asked for one more while one is stored. */
export async function* joined(checkpoints: AsyncGenerator<Checkpoint>): AsyncGenerator<Checkpoint> {
  const ask = () => {
    const asked = checkpoints.next()
    // It may fail while what came before is stored.
    asked.catch(() => {})
    return asked
  }
  let next = ask()
  try {
    for (;;) {
      const first = await next
      if (first.done) return
      let decided = first.value
      next = ask()
      const until = performance.now() + JOINED_MS
      const ending = new AbortController()
      const enough = delay(JOINED_MS, null, { signal: ending.signal }).catch(() => null)
      try {
        while (performance.now() < until && decided.hits.length < MOST_JOINED) {
          // A failure is thrown once what came before it is stored.
          const more = await Promise.race([next, enough]).catch(() => null)
          if (more === null || more.done) break
          decided = sum(decided, more.value)
          next = ask()
        }
      } finally {
        ending.abort()
      }
      yield decided
    }
  } finally {
    // It may fail while nobody waits for it any more.
    await next.catch(() => {})
    await checkpoints.return(undefined)
  }
}

function sum(one: Checkpoint, next: Checkpoint): Checkpoint {
  return {
    upTo: next.upTo,
    hits: [...one.hits, ...next.hits],
    errors: [...one.errors, ...next.errors],
    candidates: one.candidates + next.candidates,
    scannedBytes: one.scannedBytes + next.scannedBytes,
    skipped: one.skipped + next.skipped,
    unreadable: [...one.unreadable, ...next.unreadable],
  }
}
