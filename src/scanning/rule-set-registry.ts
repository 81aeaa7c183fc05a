import type { KnownRuleset, ScanFailure, ToWorker } from './protocol.ts'
import type { RuleSet, RunnableRuleset } from './tasks.ts'

interface RegisteredSet {
  readonly set: RuleSet
  bundles: boolean
  groups: readonly (readonly string[])[] | null
  /** Tasks that name it and have not ended. */
  uses: number
  dropped: boolean
}

/** What one worker process has been sent. */
export interface Sent {
  readonly sets: Set<string>
  readonly keys: Set<string>
}

/** The rule sets that tasks may name, and what has to be sent so that a worker knows them. */
export class RuleSetRegistry {
  readonly #sets = new Map<string, RegisteredSet>()
  readonly #rulesets = new Map<string, { readonly ruleset: RunnableRuleset; sets: number }>()
  readonly #quarantined = new Map<string, ScanFailure>()
  /** Sends a worker's share of a message to every worker. */
  readonly #toWorkers: (message: (sent: Sent) => ToWorker | null) => void

  constructor(toWorkers: (message: (sent: Sent) => ToWorker | null) => void) {
    this.#toWorkers = toWorkers
  }

  add(set: RuleSet): void {
    const known = this.#sets.get(set.id)
    if (known !== undefined) {
      known.dropped = false
      return
    }
    this.#sets.set(set.id, { set, bundles: true, groups: null, uses: 0, dropped: false })
    for (const ruleset of set.rulesets) {
      const entry = this.#rulesets.get(ruleset.key)
      if (entry === undefined) this.#rulesets.set(ruleset.key, { ruleset, sets: 1 })
      else entry.sets++
    }
  }

  /** Counts a task that names the set. */
  use(id: string): void {
    const entry = this.#sets.get(id)
    if (entry === undefined || entry.dropped) throw new Error(`There is no rule set ${id}; set it before naming it.`)
    entry.uses++
  }

  ended(id: string): void {
    const entry = this.#sets.get(id)
    if (entry === undefined) return
    entry.uses--
    if (entry.dropped && entry.uses === 0) this.#forget(entry.set)
  }

  drop(id: string): void {
    const entry = this.#sets.get(id)
    if (entry === undefined) return
    entry.dropped = true
    if (entry.uses === 0) this.#forget(entry.set)
  }

  /** The messages that make a set known to a worker; `sent` is brought up to date. */
  introduce(id: string, sent: Sent): ToWorker[] {
    const entry = this.#sets.get(id)
    if (entry === undefined || sent.sets.has(id)) return []
    const unknown: KnownRuleset[] = []
    for (const ruleset of entry.set.rulesets) {
      if (sent.keys.has(ruleset.key)) continue
      sent.keys.add(ruleset.key)
      unknown.push({ ruleset, failure: this.#quarantined.get(ruleset.key) ?? null })
    }
    sent.sets.add(id)
    const keys = entry.set.rulesets.map((ruleset) => ruleset.key)
    return [
      { type: 'rulesets', rulesets: unknown },
      { type: 'set', id, keys, warm: id.startsWith('live:'), bundles: entry.bundles, groups: entry.groups },
    ]
  }

  /**
   * No worker runs this ruleset any more, nor another with the same text; tasks report `failure` for it. False when it
   * is not known, or in quarantine already.
   */
  quarantine(key: string, failure: ScanFailure): boolean {
    const text = this.#rulesets.get(key)?.ruleset.content
    if (text === undefined || this.#quarantined.has(key)) return false
    for (const { ruleset } of this.#rulesets.values()) {
      if (ruleset.content !== text) continue
      this.#quarantined.set(ruleset.key, failure)
      this.#toWorkers((sent) => (sent.keys.has(ruleset.key) ? { type: 'quarantine', key: ruleset.key, failure } : null))
    }
    return true
  }

  /** These rulesets are run again. */
  release(keys: readonly string[]): void {
    const released = keys.filter((key) => this.#quarantined.delete(key))
    if (released.length === 0) return
    this.#toWorkers((sent) => ({ type: 'release', keys: released.filter((key) => sent.keys.has(key)) }))
  }

  /** Its rulesets are not compiled together any more. */
  takeApart(id: string): void {
    const entry = this.#sets.get(id)
    if (entry === undefined || !entry.bundles) return
    entry.bundles = false
    this.#toWorkers((sent) => (sent.sets.has(id) ? { type: 'apart', set: id } : null))
  }

  /** Its rulesets are compiled together in these groups from now on, by key; what is in none, by itself. */
  arrange(id: string, groups: readonly (readonly string[])[]): void {
    const entry = this.#sets.get(id)
    if (entry === undefined) return
    entry.groups = groups
    this.#toWorkers((sent) => (sent.sets.has(id) ? { type: 'arrange', set: id, groups } : null))
  }

  #forget(set: RuleSet): void {
    this.#sets.delete(set.id)
    const gone: string[] = []
    for (const { key } of set.rulesets) {
      const entry = this.#rulesets.get(key)
      if (entry === undefined || --entry.sets > 0) continue
      this.#rulesets.delete(key)
      this.#quarantined.delete(key)
      gone.push(key)
    }
    this.#toWorkers((sent) => {
      const keys = gone.filter((key) => sent.keys.delete(key))
      if (!sent.sets.delete(set.id) && keys.length === 0) return null
      return { type: 'forget', sets: [set.id], keys }
    })
  }
}
