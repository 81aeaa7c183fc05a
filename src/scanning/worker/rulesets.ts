import type { KnownRuleset, Trouble } from '../protocol.ts'
import type { RunnableRuleset } from '../tasks.ts'
import { type Bundle, bundlesOf } from './bundles.ts'
import { type CompiledCache, textKey } from './compiled.ts'

/** Compiling cannot be interrupted, and takes almost two seconds for a text of this size: a task may have to wait for it. */
const WARM_TEXT = 1024 * 1024
/** Compiled rules take about a hundred times the memory of their text. */
const WARM_IN_ALL = 3.5 * 1024 * 1024

/** A rule set as this worker holds it. */
export interface HeldSet {
  readonly rulesets: readonly RunnableRuleset[]
  readonly byKey: ReadonlyMap<string, RunnableRuleset>
  readonly warm: boolean
  /** Made when a sample first needs it: it means parsing every text. */
  bundles: Bundle[] | null
}

/** The rulesets and sets that the pool has made known to this worker. */
export class HeldRulesets {
  readonly #cache: CompiledCache
  readonly #rulesets = new Map<string, RunnableRuleset>()
  readonly #sets = new Map<string, HeldSet>()
  readonly #benched = new Map<string, Trouble>()

  constructor(cache: CompiledCache) {
    this.#cache = cache
  }

  learn(known: readonly KnownRuleset[]): void {
    for (const { ruleset, trouble } of known) {
      this.#rulesets.set(ruleset.key, ruleset)
      if (trouble !== null) this.#benched.set(ruleset.key, trouble)
    }
  }

  learnSet(id: string, keys: readonly string[], warm: boolean): void {
    const rulesets = keys.map((key) => {
      const ruleset = this.#rulesets.get(key)
      if (ruleset === undefined) throw new Error(`The set ${id} names the ruleset ${key}, which was not sent.`)
      return ruleset
    })
    this.#sets.set(id, {
      rulesets,
      byKey: new Map(rulesets.map((ruleset) => [ruleset.key, ruleset])),
      warm,
      bundles: null,
    })
  }

  forget(sets: readonly string[], keys: readonly string[]): void {
    for (const id of sets) {
      for (const bundle of this.#sets.get(id)?.bundles ?? []) this.#cache.forget(bundle.key)
      this.#sets.delete(id)
    }
    for (const key of keys) {
      this.#rulesets.delete(key)
      this.#benched.delete(key)
    }
  }

  /** No task runs this ruleset any more; they report `trouble` instead. */
  bench(key: string, trouble: Trouble): void {
    this.#benched.set(key, trouble)
  }

  trouble(key: string): Trouble | undefined {
    return this.#benched.get(key)
  }

  set(id: string): HeldSet {
    const set = this.#sets.get(id)
    if (set === undefined) throw new Error(`The set ${id} was not sent.`)
    return set
  }

  bundles(set: HeldSet): Bundle[] {
    set.bundles ??= bundlesOf(set.rulesets, this.#cache)
    return set.bundles
  }

  /** A ruleset that tasks will probably need and that is not compiled yet; null when there is none, or no room. */
  nextToWarm(): RunnableRuleset | null {
    if (this.#cache.textBytes >= WARM_IN_ALL) return null
    for (const set of this.#sets.values()) {
      if (!set.warm) continue
      for (const ruleset of set.rulesets) {
        if (this.#cache.has(textKey(ruleset)) || this.#benched.has(ruleset.key)) continue
        if (ruleset.content.length <= WARM_TEXT) return ruleset
      }
    }
    return null
  }
}
