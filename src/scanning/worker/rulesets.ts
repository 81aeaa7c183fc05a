import { type Plan, readPlan } from '../../planner/index.ts'
import type { KnownRuleset, ScanFailure, ToWorker } from '../protocol.ts'
import { textKey } from '../ruleset-digests.ts'
import type { RunnableRuleset } from '../tasks.ts'
import { type Bundle, bundlesOf } from './bundles.ts'
import type { CompiledCache } from './compiled.ts'

/**
 * Compiling cannot be interrupted, and takes almost two seconds for a text of this size: a task may have to wait for
 * it.
 */
const WARM_TEXT = 1024 * 1024
/** The texts of what is compiled ahead, in bytes; see `compiled.ts` for the memory that it takes. */
const WARM_IN_ALL = 3.5 * 1024 * 1024

/** A rule set as this worker holds it. */
export interface HeldSet {
  readonly rulesets: readonly RunnableRuleset[]
  readonly byKey: ReadonlyMap<string, RunnableRuleset>
  readonly warm: boolean
  /**
   * Keys of rulesets that were compiled ahead for it. Once each: what had to make way for a hunt would else make way for it in
   * turn, again and again.
   */
  readonly warmed: Set<string>
  /** False: its rulesets are not compiled together. */
  together: boolean
  /** Keys of rulesets that are compiled together, by what they demand; null: as they come. */
  groups: readonly (readonly string[])[] | null
  /** Made when a sample first needs it: it means parsing every text. */
  bundles: Bundle[] | null
}

/** The rulesets and sets that the pool has made known to this worker. */
export class HeldRulesets {
  readonly #cache: CompiledCache
  readonly #rulesets = new Map<string, RunnableRuleset>()
  readonly #plans = new Map<string, Plan>()
  readonly #sets = new Map<string, HeldSet>()
  readonly #quarantined = new Map<string, ScanFailure>()

  constructor(cache: CompiledCache) {
    this.#cache = cache
  }

  learn(known: readonly KnownRuleset[]): void {
    for (const { ruleset, failure } of known) {
      this.#rulesets.set(ruleset.key, ruleset)
      if (failure !== null) this.#quarantined.set(ruleset.key, failure)
    }
  }

  learnSet({ id, keys, warm, bundles, groups }: Extract<ToWorker, { type: 'set' }>): void {
    const rulesets = keys.map((key) => {
      const ruleset = this.#rulesets.get(key)
      if (ruleset === undefined) throw new Error(`The set ${id} names the ruleset ${key}, which was not sent.`)
      return ruleset
    })
    this.#sets.set(id, {
      rulesets,
      byKey: new Map(rulesets.map((ruleset) => [ruleset.key, ruleset])),
      warm,
      warmed: new Set(),
      together: bundles,
      groups,
      bundles: null,
    })
  }

  forget(sets: readonly string[], keys: readonly string[]): void {
    for (const id of sets) {
      this.#forgetBundles(this.#sets.get(id))
      this.#sets.delete(id)
    }
    for (const key of keys) {
      this.#rulesets.delete(key)
      this.#plans.delete(key)
      this.#quarantined.delete(key)
    }
  }

  /** No task runs this ruleset any more; they report `failure` instead. */
  quarantine(key: string, failure: ScanFailure): void {
    this.#quarantined.set(key, failure)
    this.bundleAnew([key])
  }

  /** They are run again. */
  release(keys: readonly string[]): void {
    for (const key of keys) this.#quarantined.delete(key)
    this.bundleAnew(keys)
  }

  /** The rulesets of this set are not compiled together any more. */
  takeApart(id: string): void {
    const set = this.#sets.get(id)
    if (set === undefined) return
    set.together = false
    this.#forgetBundles(set)
  }

  /** From now on these are compiled together; what is in no group, by itself. */
  arrange(id: string, groups: readonly (readonly string[])[]): void {
    const set = this.#sets.get(id)
    if (set === undefined) return
    set.groups = groups
    this.#forgetBundles(set)
  }

  failure(key: string): ScanFailure | undefined {
    return this.#quarantined.get(key)
  }

  /** The plan of a ruleset, read when it is first needed. One that cannot be read demands nothing. */
  plan(ruleset: RunnableRuleset): Plan {
    let plan = this.#plans.get(ruleset.key)
    if (plan === undefined) {
      plan = readPlan(ruleset.plan) ?? { kind: 'may', why: 'the plan could not be read' }
      if (this.#rulesets.has(ruleset.key)) this.#plans.set(ruleset.key, plan)
    }
    return plan
  }

  set(id: string): HeldSet {
    const set = this.#sets.get(id)
    if (set === undefined) throw new Error(`The set ${id} was not sent.`)
    return set
  }

  bundles(set: HeldSet): Bundle[] {
    if (!set.together) return []
    if (set.bundles === null) {
      const groups = set.groups?.map((keys) => keys.flatMap((key) => set.byKey.get(key) ?? [])) ?? [set.rulesets]
      const runs = ({ key }: RunnableRuleset) => !this.#quarantined.has(key)
      set.bundles = groups.flatMap((rulesets) =>
        bundlesOf(rulesets.filter(runs), this.#cache, { isArranged: set.groups !== null }),
      )
    }
    return set.bundles
  }

  /** What runs in these rulesets' sets has changed, or with which engine. */
  bundleAnew(keys: readonly string[]): void {
    for (const set of this.#sets.values()) if (keys.some((key) => set.byKey.has(key))) this.#forgetBundles(set)
  }

  #forgetBundles(set: HeldSet | undefined): void {
    // A set that runs live is a large part of what may be kept; hunts come back with the same texts.
    if (set?.warm) for (const bundle of set.bundles ?? []) this.#cache.forget(bundle.key)
    if (set !== undefined) set.bundles = null
  }

  /** A ruleset that tasks will probably need and that was not compiled ahead yet; null when there is none, or no room. */
  nextToWarm(): RunnableRuleset | null {
    if (this.#cache.textBytesAlone >= WARM_IN_ALL) return null
    for (const set of this.#sets.values()) {
      if (!set.warm) continue
      for (const ruleset of set.rulesets) {
        if (set.warmed.has(ruleset.key) || this.#quarantined.has(ruleset.key)) continue
        if (ruleset.content.length > WARM_TEXT) continue
        set.warmed.add(ruleset.key)
        if (!this.#cache.has(textKey(ruleset))) return ruleset
      }
    }
    return null
  }
}
