/**
 * Long steps on the server's thread: what takes tens of milliseconds because a text has megabytes, and cannot be split.
 *
 * Each waits until the others have ended and whoever wants something short was served, so that a client with many large
 * texts holds nobody up for longer than one such step. Only the server's thread needs this: a worker serves nobody else.
 */
import { setImmediate } from 'node:timers/promises'

/** Of these many characters or bytes, a step over the whole text takes long. */
const LONG = 1024 * 1024
/** Rounds of the event loop between two long steps: a short request that arrives takes about so many. */
const ROUNDS = 3

let last: Promise<unknown> = Promise.resolve()

/** What `step` returns; over a long text it waits for its turn. Rejects with what `step` throws. */
export async function inTurn<T>({ length }: { readonly length: number }, step: () => T): Promise<T> {
  if (length <= LONG) return step()
  const result = last.then(othersFirst).then(step)
  last = result.catch(() => {})
  return result
}

async function othersFirst(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await setImmediate()
}
