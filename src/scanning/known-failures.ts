/**
 * What the pool has learnt from failed scans, and keeps from trying again in other tasks.
 *
 * - *Quarantine*: a ruleset that failed on three samples, or cannot be compiled, is run by no task any more, whatever
 *   its priority; tasks report that instead. It lasts until a set of enabled rulesets names the ruleset again: one that
 *   is enabled although it failed was given another chance by somebody.
 * - *Failing modules*: a sample on which a module of the engine fails is not scanned with rulesets that import it.
 * - *Apart*: the rulesets of a set are not compiled together any more after three of their bundles were lost.
 *
 * Everything is in memory and bounded: after a restart it is learnt anew.
 */

import type { Job } from './job.ts'
import type { Log } from './log.ts'
import type { ProgressStep } from './progress-record.ts'
import type { ScanFailure } from './protocol.ts'
import type { RuleSetRegistry } from './rule-set-registry.ts'
import type { RuleSet, ScanError } from './tasks.ts'
import type { LossCause } from './worker-process.ts'

const SAMPLES_ALLOWED = 2
const BUNDLES_ALLOWED = 2
/** Samples whose failing modules are remembered. */
const KEPT_SAMPLES = 10_000
/** Rulesets whose failures are remembered. */
const KEPT_RULESETS = 10_000

const ownFailures: ReadonlySet<ScanError['reason']> = new Set(['timeout', 'crash', 'memory', 'engine'])

export class KnownFailures {
  readonly #registry: RuleSetRegistry
  readonly #log: Log
  /** Samples that a ruleset failed on, by its key. */
  readonly #failures = new Map<string, Set<string>>()
  /** Rulesets that ended workers. */
  readonly #endsWorkers = new Map<string, true>()
  readonly #lostBundles = new Map<string, number>()
  /** How often a worker was lost while it compiled a ruleset ahead of any task. */
  readonly #warmLosses = new Map<string, number>()
  readonly #modules = new Map<string, Map<string, ScanFailure>>()

  constructor(registry: RuleSetRegistry, log: Log) {
    this.#registry = registry
    this.#log = log
  }

  /** To be called before a task goes to a worker. */
  prepare(job: Job): void {
    if (this.#modules.size === 0) return
    for (let item = 0; item < job.samples; item++) {
      for (const [module, failure] of this.#modules.get(job.sampleOf(item) ?? '') ?? [])
        job.retryPolicy.excludeModule(item, module, failure)
    }
  }

  /** A sample was decided with these scan errors: a ruleset that fails on its third sample is put in quarantine. */
  noteFailures(sample: string, errors: readonly ScanError[]): void {
    for (const { ruleset, reason, message } of errors) {
      if (!ownFailures.has(reason)) continue
      const samples = this.#failures.get(ruleset) ?? new Set()
      keep(this.#failures, ruleset, samples, KEPT_RULESETS)
      samples.add(sample)
      if (reason === 'crash' || reason === 'memory') keep(this.#endsWorkers, ruleset, true, KEPT_RULESETS)
      if (samples.size <= SAMPLES_ALLOWED) continue
      const explanation = `it was set aside after ${samples.size} samples; on the last of them, ${message}`
      this.quarantine(ruleset, { reason: 'quarantine', message: explanation })
    }
  }

  /** Whether a ruleset was found to end workers, on some sample and not by chance. */
  endsWorkers(ruleset: string | null): boolean {
    return ruleset !== null && this.#endsWorkers.has(ruleset)
  }

  noteModule(job: Job, item: number, module: string, failure: ScanFailure): void {
    const sample = job.sampleOf(item)
    if (sample === null) return
    this.#log.warn({ sample, module, ...failure }, 'A sample is not scanned with rulesets that import this module')
    const modules = this.#modules.get(sample) ?? new Map<string, ScanFailure>()
    keep(this.#modules, sample, modules.set(module, failure), KEPT_SAMPLES)
  }

  noteLostBundle(set: string): void {
    const lost = (this.#lostBundles.get(set) ?? 0) + 1
    keep(this.#lostBundles, set, lost, KEPT_RULESETS)
    if (lost > BUNDLES_ALLOWED) this.#registry.takeApart(set)
  }

  noteWarmLoss({ ruleset }: ProgressStep, cause: LossCause): void {
    if (ruleset === null) return
    const losses = (this.#warmLosses.get(ruleset) ?? 0) + 1
    keep(this.#warmLosses, ruleset, losses, KEPT_RULESETS)
    if (cause !== 'timeout' && losses < 2) return
    this.quarantine(ruleset, { reason: cause, message: 'the ruleset cannot be compiled within the limits' })
  }

  quarantine(ruleset: string, failure: ScanFailure): void {
    if (!this.#registry.quarantine(ruleset, { ...failure, reason: 'quarantine' })) return
    this.#log.warn({ ruleset, message: failure.message }, 'A ruleset is left out from now on')
  }

  /** What is enabled runs, whatever it did before. */
  release({ rulesets }: RuleSet): void {
    const keys = rulesets.map(({ key }) => key)
    for (const key of keys) {
      this.#failures.delete(key)
      this.#endsWorkers.delete(key)
      this.#warmLosses.delete(key)
    }
    this.#registry.release(keys)
  }
}

/** Sets an entry as the newest, and lets the oldest go when there are more than `most`. */
function keep<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= most) break
    map.delete(oldest)
  }
}
