/**
 * What to do after a worker was lost with a task: who is at fault, and how does the task go on without it.
 *
 * Losses are counted for what was at work, one (sample, ruleset) pair at a time: however many rulesets fail on a
 * sample, and in whatever order, the others are scanned with as if those were not there.
 *
 * - A scan that took too long is given up for that pair at once.
 * - A crash, or too much memory, may have had nothing to do with the sample (an operator's `kill`, the kernel short of
 *   memory, a cache that had grown): the same is tried once more in a fresh worker. The second time, the pair is given
 *   up. A ruleset that has ended workers on another sample has had its second chance there.
 * - Then it is asked whose fault that was, by *probes*: a rule that demands nothing and imports nothing, and one for
 *   each module that the ruleset imports. Where a probe fails, the module fails on this sample whatever the rules: all
 *   rulesets that import it are left out for this sample, and none of them is at fault. Where the probe without a
 *   module fails, the engine cannot scan the sample at all.
 * - When several rulesets were at work in one scan, they are tried again one by one.
 * - A ruleset that cannot be compiled within the limits is at fault whatever the sample, so all tasks leave it out.
 * - Plans that cost their worker are not asked again: then every ruleset may match.
 * - A file that is examined while it is taken is then only taken: examining it by itself will show which step is at
 *   fault.
 * - libmagic gets the same second chance, then the headers alone decide what the sample is. So does the engine over a
 *   program's signatures, then its signers are not known, and our own reading of what a program is made of.
 * - Anything else gets one more try, then the item, or the whole task, has failed.
 */
import { Failure } from '../errors/index.ts'
import { WorkerLost } from './outcome.ts'
import type { ProgressStep } from './progress-record.ts'
import type { AllowedSteps, Exclusions, ScanFailure } from './protocol.ts'
import type { TaskKind } from './tasks.ts'
import type { LossCause } from './worker-process.ts'

/** A worker may die between two tasks, when the next one has been sent but not begun. */
const LOSSES_BEFORE_BEGINNING = 5

export type Verdict =
  | { readonly kind: 'retry' }
  /** Retry, and have all workers leave this ruleset out. */
  | { readonly kind: 'quarantine'; readonly ruleset: string; readonly failure: ScanFailure }
  /** Retry, and do not ask this module about this item again. */
  | { readonly kind: 'module'; readonly item: number; readonly module: string; readonly failure: ScanFailure }
  | { readonly kind: 'fail'; readonly error: Error }

const noExclusions: Exclusions = {
  pairs: [],
  modules: [],
  probes: [],
  allowed: { bundles: true, plans: true, libmagic: true, signers: true, programs: true, examining: true },
  done: [],
}

/** What one task has cost so far. */
export class RetryPolicy {
  readonly #counts = new Map<string, number>()
  #exclusions: Exclusions = noExclusions

  get exclusions(): Exclusions {
    return this.#exclusions
  }

  markDone(items: readonly number[]): void {
    this.#exclusions = { ...this.#exclusions, done: [...this.#exclusions.done, ...items] }
  }

  /** The module is known to fail on the item. */
  excludeModule(item: number, module: string, failure: ScanFailure): void {
    const { modules } = this.#exclusions
    if (modules.some((known) => known.item === item && known.module === module)) return
    this.#exclusions = { ...this.#exclusions, modules: [...modules, { item, module, failure }] }
  }

  /**
   * `at` is null when the worker had not begun with the task. `endsWorkers`: the ruleset at work is known to do so on
   * another sample.
   */
  decide(kind: TaskKind, cause: LossCause, at: ProgressStep | null, endsWorkers = false): Verdict {
    if (at === null) {
      if (this.#count('not begun') < LOSSES_BEFORE_BEGINNING) return { kind: 'retry' }
      return { kind: 'fail', error: new Failure('workers.lost') }
    }
    const { stage, item } = at
    // Not to be put down to chance: the limits themselves were reached.
    const given = cause === 'timeout' || (cause === 'memory' && (kind === 'check' || kind === 'plan'))

    if (kind === 'copyAndHash' && stage !== 'copyAndHash') return this.#disallow('examining')
    if (kind === 'verify' || kind === 'examine') {
      const verdict = this.#decideScan(cause, at, given, endsWorkers)
      if (verdict !== null) return verdict
    }
    if (stage === 'plan' && this.#exclusions.allowed.plans) {
      return given || this.#count('plan') >= 2 ? this.#disallow('plans') : { kind: 'retry' }
    }
    if (stage === 'identify' && this.#exclusions.allowed.libmagic) {
      return given || this.#count('identify') >= 2 ? this.#disallow('libmagic') : { kind: 'retry' }
    }
    if (stage === 'signers' && this.#exclusions.allowed.signers) {
      return given || this.#count('signers') >= 2 ? this.#disallow('signers') : { kind: 'retry' }
    }
    if (stage === 'program' && this.#exclusions.allowed.programs) {
      return given || this.#count('program') >= 2 ? this.#disallow('programs') : { kind: 'retry' }
    }
    if (!given && this.#count(`${stage} ${item}`) < 2) return { kind: 'retry' }
    if (kind === 'verify') return this.#giveUp(item, null, cause)
    return { kind: 'fail', error: new WorkerLost(failureOf(cause, stage).message) }
  }

  /** Null where no rules were at work. */
  #decideScan(
    cause: LossCause,
    { stage, item, ruleset, bundle }: ProgressStep,
    given: boolean,
    endsWorkers: boolean,
  ): Verdict | null {
    switch (stage) {
      case 'compile':
        if (bundle) return this.#disallow('bundles')
        if (ruleset === null) return null
        if (!given && this.#count(`compile ${ruleset}`) < 2) return { kind: 'retry' }
        return { kind: 'quarantine', ruleset, failure: failureOf(cause, 'compiling the ruleset') }
      case 'scan':
        // Probes come before scans: those of this item have been passed.
        this.#exclusions = {
          ...this.#exclusions,
          probes: this.#exclusions.probes.filter((probe) => probe.item !== item),
        }
        if (bundle) return this.#disallow('bundles')
        if (ruleset === null) return null
        if (!given && !endsWorkers && this.#count(`item ${item} ${ruleset}`) < 2) return { kind: 'retry' }
        this.#exclusions = { ...this.#exclusions, probes: [...this.#exclusions.probes, { item, ruleset }] }
        return this.#giveUp(item, ruleset, cause)
      case 'probe': {
        const module = ruleset ?? ''
        if (!given && this.#count(`probe ${item} ${module}`) < 2) return { kind: 'retry' }
        const what =
          module === '' ? 'the engine fails on the sample' : `the engine's module ${module} fails on the sample`
        const failure = failureOf(cause, 'reading it')
        const scanFailure: ScanFailure =
          module === ''
            ? { reason: 'unreadable', message: `${what}: ${failure.message}` }
            : { reason: 'module', message: `${what}: ${failure.message}` }
        this.excludeModule(item, module, scanFailure)
        return { kind: 'module', item, module, failure: scanFailure }
      }
      default:
        return null
    }
  }

  #disallow(step: keyof AllowedSteps): Verdict {
    this.#exclusions = { ...this.#exclusions, allowed: { ...this.#exclusions.allowed, [step]: false } }
    return { kind: 'retry' }
  }

  #giveUp(item: number, ruleset: string | null, cause: LossCause): Verdict {
    const pair = { item, ruleset, failure: failureOf(cause, 'scanning the sample') }
    this.#exclusions = { ...this.#exclusions, pairs: [...this.#exclusions.pairs, pair] }
    return { kind: 'retry' }
  }

  #count(what: string): number {
    const count = (this.#counts.get(what) ?? 0) + 1
    this.#counts.set(what, count)
    return count
  }
}

function failureOf(cause: LossCause, what: string): ScanFailure {
  switch (cause) {
    case 'timeout':
      return { reason: 'timeout', message: `${what} took longer than allowed` }
    case 'memory':
      return { reason: 'memory', message: `${what} needed more memory than allowed` }
    case 'crash':
      return { reason: 'crash', message: `${what} ended the worker process` }
  }
}
