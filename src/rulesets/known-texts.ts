import { LRUCache } from 'lru-cache'
import type { CheckedBy, Checker } from './checker.ts'
import { textDigest } from './text-digest.ts'

type Answer = Awaited<ReturnType<Checker['check']>>
type Check = (content: string, partial: boolean, by: CheckedBy) => Promise<Answer>

/** Answers that are kept. */
const KEPT = 2_000
/** One with more to say is not kept. */
const MOST_DIAGNOSTICS = 200

/**
 * Checks texts, and remembers those that run: the same text is checked when it is explained, hunted with, hunted with again
 * and saved, and a large one takes seconds. What did not run is checked anew, since a busy machine may be the reason.
 */
export class KnownTexts implements Checker {
  readonly #check: Check
  readonly #known = new LRUCache<string, Answer>({ max: KEPT })

  constructor(check: Check) {
    this.#check = check
  }

  async check(content: string, partial = false, by: CheckedBy = {}): Promise<Answer> {
    const text = textDigest(content).toString('hex')
    const known = this.#known.get(text)
    // Nothing had to be left out of it: whether that is allowed makes no difference.
    if (known !== undefined) return known
    const answer = await this.#check(content, partial, by)
    const { valid, diagnostics, leftOut = [] } = answer
    if (valid && leftOut.length === 0 && diagnostics.length <= MOST_DIAGNOSTICS) this.#known.set(text, answer)
    return answer
  }
}
