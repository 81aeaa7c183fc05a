/**
 * Requests that are under way, each cut off when the credentials that it came with end: an upload, a download or a stream
 * of events would go on for hours. Credentials end with a change of accounts, with a log-out, or at their time. A session
 * that is used meanwhile has a later time by then, so at the end of a lifetime they are looked at again.
 */
import type { ServerResponse } from 'node:http'
import { Failure } from '../errors/index.ts'
import { type Micros, now } from '../store/index.ts'

/** Longer ones fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
/** Also where the clock was set back, and the time does not come nearer. */
const SHORTEST_TIMER_MS = 50
/** After a look that failed for another reason, such as a database that does not answer. */
const LOOK_AGAIN: Micros = 1_000_000

/** Rejects with a failure `credentials.…` once they have ended. */
type Look = () => Promise<{ readonly ends: Micros | null }>

type Answer = Pick<ServerResponse, 'destroyed' | 'destroy' | 'once'>

interface Lasting {
  readonly answer: Answer
  readonly look: Look
  timer: NodeJS.Timeout | undefined
}

export class UnderWay {
  readonly #all = new Set<Lasting>()

  /** Until the answer is closed. `ends`: of the credentials; null where only a change can end them. */
  add(answer: Answer, ends: Micros | null, look: Look): void {
    if (answer.destroyed) return
    const one: Lasting = { answer, look, timer: undefined }
    this.#all.add(one)
    answer.once('close', () => {
      this.#all.delete(one)
      clearTimeout(one.timer)
    })
    this.#wakeAt(one, ends)
  }

  /** Somebody's credentials may have ended. */
  lookAtAll(): void {
    for (const one of this.#all) void this.#look(one)
  }

  async #look(one: Lasting): Promise<void> {
    try {
      this.#wakeAt(one, (await one.look()).ends)
    } catch (error) {
      if (error instanceof Failure && /^credentials\./.test(error.code)) one.answer.destroy()
      else this.#wakeAt(one, now() + LOOK_AGAIN)
    }
  }

  #wakeAt(one: Lasting, time: Micros | null): void {
    clearTimeout(one.timer)
    if (time === null || !this.#all.has(one)) return
    const ms = Math.min(Math.max(Math.ceil((time - now()) / 1_000), SHORTEST_TIMER_MS), LONGEST_TIMER_MS)
    one.timer = setTimeout(() => void this.#look(one), ms).unref()
  }
}
