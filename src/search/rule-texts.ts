import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import pLimit from 'p-limit'
import { startThread, ThreadQuestions } from '../background/index.ts'
import { childEnvironment } from '../settings/index.ts'
import type { CurrentRevision, Store } from '../store/index.ts'
import { inTurn } from '../turns/index.ts'
import type { FoundInTexts, FoundLine, ToRuleTexts } from './rule-texts-thread-main.ts'

/** Texts that the thread keeps, in bytes; what is beyond them is sent again for each search. */
const KEPT_BYTES = 64 * 1024 * 1024
/** Texts that are read and sent in one step of the server's thread. */
const PORTION = 100
const PORTION_BYTES = 512 * 1024
/** Rulesets that are searched at once. */
const PAGE = 1_000
/** What one search may take. */
const BUDGET_MS = 3_000

/** A place in the current text of a ruleset. */
export interface FoundInRules extends Omit<FoundLine, 'id'> {
  readonly ruleset: string
}

export interface RuleTextsFound {
  readonly rules: readonly FoundInRules[]
  readonly lines: readonly FoundInRules[]
  /** False where the time was over before all texts were searched. */
  readonly isComplete: boolean
}

/**
 * Searches the current texts of all rulesets, in a thread: megabytes of rules are searched for each key that somebody
 * presses. The thread keeps the texts, so that each is read once; it is started by the first search.
 */
export class RuleTexts {
  readonly #store: Store
  /** One search at a time: those that wait cost nothing, and end with their clients. */
  readonly #oneByOne = pLimit(1)
  /** What the thread has, by the ids of revisions, in bytes. */
  readonly #held = new Map<number, number>()
  readonly #questions = new ThreadQuestions<FoundInTexts>()
  #thread: Worker | null = null
  #last = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Up to `most` rules and `most` lines with the part in them, whatever the case. Rejects once the signal is aborted. */
  find(part: string, most: number, signal: AbortSignal): Promise<RuleTextsFound> {
    return this.#oneByOne(() => this.#find(part, most, signal))
  }

  async stop(): Promise<void> {
    await this.#thread?.terminate()
  }

  async #find(part: string, most: number, signal: AbortSignal): Promise<RuleTextsFound> {
    const rules: FoundInRules[] = []
    const lines: FoundInRules[] = []
    const current = new Set<number>()
    const started = performance.now()
    let after = 0
    for (;;) {
      signal.throwIfAborted()
      const page = await this.#store.revisions.listCurrent(after, PAGE)
      for (const { id } of page) current.add(id)
      const passing = await this.#send(page, signal)
      const found = await this.#ask(part, page, most)
      if (passing.length > 0) this.#post({ drop: passing })
      const names = new Map(page.map(({ id, name }) => [id, name]))
      const placed = ({ id, ...line }: FoundLine): FoundInRules => ({ ...line, ruleset: names.get(id) ?? '' })
      rules.push(...found.rules.slice(0, most - rules.length).map(placed))
      lines.push(...found.lines.slice(0, most - lines.length).map(placed))
      after = page.at(-1)?.rulesetId ?? after
      if (page.length < PAGE) break
      const isEnough = rules.length >= most && lines.length >= most
      if (isEnough || performance.now() - started > BUDGET_MS) return { rules, lines, isComplete: isEnough }
    }
    this.#drop([...this.#held.keys()].filter((id) => !current.has(id)))
    return { rules, lines, isComplete: true }
  }

  /** Sends the texts that the thread has not. Returns those that it is not to keep. */
  async #send(page: readonly CurrentRevision[], signal: AbortSignal): Promise<number[]> {
    const passing: number[] = []
    let portion: CurrentRevision[] = []
    const flush = async () => {
      if (portion.length === 0) return
      signal.throwIfAborted()
      const bytes = portion.reduce((sum, one) => sum + one.bytes, 0)
      const ids = portion.map(({ id }) => id)
      for (const text of await inTurn({ length: bytes }, () => this.#store.revisions.textsOf(ids))) this.#post({ text })
      portion = []
      await setImmediate()
    }
    let kept = this.#held.values().reduce((sum, bytes) => sum + bytes, 0)
    let size = 0
    for (const revision of page) {
      if (this.#held.has(revision.id)) continue
      if (portion.length >= PORTION || size + revision.bytes > PORTION_BYTES) {
        await flush()
        size = 0
      }
      portion.push(revision)
      size += revision.bytes
      if (kept + revision.bytes > KEPT_BYTES) passing.push(revision.id)
      else {
        kept += revision.bytes
        this.#held.set(revision.id, revision.bytes)
      }
    }
    await flush()
    return passing
  }

  #ask(part: string, page: readonly CurrentRevision[], most: number): Promise<FoundInTexts> {
    const asked = ++this.#last
    const answer = this.#questions.add(asked)
    this.#post({ asked, part, ids: page.map(({ id }) => id), most })
    return answer
  }

  #drop(ids: readonly number[]): void {
    if (ids.length === 0) return
    for (const id of ids) this.#held.delete(id)
    this.#post({ drop: ids })
  }

  #post(message: ToRuleTexts): void {
    this.#thread ??= this.#start()
    this.#thread.postMessage(message)
  }

  #start(): Worker {
    const thread = startThread(new URL('./rule-texts-thread-main.ts', import.meta.url), childEnvironment(), {
      message: (found: FoundInTexts) => this.#questions.resolve(found.asked, found),
      ended: (cause) => {
        this.#thread = null
        this.#held.clear()
        this.#questions.rejectAll(new Error('The thread that searches rules has ended.', { cause }))
      },
    })
    thread.unref()
    return thread
  }
}
