import type { Log } from '../scanning/index.ts'
import { type AuditEntry, type AuditFilter, type Micros, now, type Store } from '../store/index.ts'

/** More subjects than these are counted, not named. */
const MOST_SUBJECTS = 50
const LONGEST_SUBJECT = 200
const DAY_MS = 86_400_000
/** Entries that go in one transaction: others wait meanwhile. */
const DELETED_AT_ONCE = 5_000
const WALK_PAGE = 1_000

/** What is kept of who did what. Entries are added and, once they are old, deleted; nothing changes one. */
export class AuditLog {
  readonly #store: Store
  readonly #log: Pick<Log, 'error'>
  readonly #keptMicros: Micros
  #timer: NodeJS.Timeout | null = null

  constructor(parts: { readonly store: Store; readonly log: Pick<Log, 'error'>; readonly keptDays: number }) {
    this.#store = parts.store
    this.#log = parts.log
    this.#keptMicros = parts.keptDays * DAY_MS * 1_000
  }

  /** Deletes what is too old, now and every day. */
  async start(): Promise<void> {
    await this.#forgetOld()
    this.#timer = setInterval(() => void this.#forgetOld().catch((err) => this.#complain(err)), DAY_MS).unref()
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
  }

  /**
   * Puts down what was done. Never fails: it was done, and whoever asked for it shall know. An entry that could not be
   * stored is in the server's log instead.
   */
  async record(done: {
    readonly user: string
    readonly operation: string
    readonly subjects: readonly string[]
    readonly status: number
    readonly address: string
  }): Promise<void> {
    const subjects = done.subjects.slice(0, MOST_SUBJECTS).map((subject) => subject.slice(0, LONGEST_SUBJECT))
    const entry = { ...done, subjects, subjectCount: done.subjects.length, time: now() }
    try {
      await this.#store.audit.add(entry)
    } catch (err) {
      this.#log.error({ err, entry }, 'an entry of the audit log could not be stored')
    }
  }

  /** Newest first. `next` is what to give as `before` for the entries that follow; null after the last one. */
  async list(
    filter: AuditFilter,
    before: number | null,
    most: number,
  ): Promise<{ readonly results: AuditEntry[]; readonly next: number | null }> {
    const found = await this.#store.audit.list(filter, before, most + 1)
    const results = found.slice(0, most)
    return { results, next: found.length > most ? (results.at(-1)?.id ?? null) : null }
  }

  /** All of them, newest first. */
  async *all(filter: AuditFilter): AsyncGenerator<AuditEntry> {
    for (let before: number | null = null; ; ) {
      const { results, next }: Awaited<ReturnType<AuditLog['list']>> = await this.list(filter, before, WALK_PAGE)
      yield* results
      if (next === null) return
      before = next
    }
  }

  async #forgetOld(): Promise<void> {
    const time = now() - this.#keptMicros
    while ((await this.#store.audit.deleteBefore(time, DELETED_AT_ONCE)) === DELETED_AT_ONCE);
  }

  #complain(err: unknown): void {
    this.#log.error({ err }, 'old entries of the audit log could not be deleted')
  }
}
