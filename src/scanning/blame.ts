/**
 * What to do after a worker was lost with a task: who is at fault, and how does the task go on without it.
 *
 * - A scan that took too long is given up for that (sample, ruleset) pair at once.
 * - A crash, or too much memory, may have had nothing to do with the sample (an operator's `kill`, the kernel short of
 *   memory, a cache that had grown): the same is tried once more in a fresh worker. The second time, the pair is given
 *   up. A sample that has cost `CRASHES_PER_SAMPLE` workers is not scanned any further by this task.
 * - When several rulesets were at work in one scan, they are tried again one by one.
 * - A ruleset that cannot be compiled within the limits is at fault whatever the sample, so all tasks leave it out.
 * - A file that is examined while it is taken is then only taken: examining it by itself will tell who is at fault.
 * - libmagic gets the same second chance, then the headers alone decide what the sample is. So does the engine over a
 *   program's signatures, then its signers are not known.
 * - Anything else gets one more try, then the item, or the whole task, has failed.
 */
import { Failure } from '../errors/index.ts'
import type { FlightStep } from './flight-record.ts'
import type { Avoid, Trouble } from './protocol.ts'
import type { TaskKind } from './tasks.ts'
import type { Cause } from './worker-process.ts'

const CRASHES_PER_SAMPLE = 4
/** A worker may die between two tasks, when the next one has been sent but not begun. */
const LOSSES_BEFORE_BEGINNING = 5

export type Verdict =
  | { readonly kind: 'retry' }
  /** Retry, and tell all workers to leave this ruleset out. */
  | { readonly kind: 'bench'; readonly ruleset: string; readonly trouble: Trouble }
  | { readonly kind: 'fail'; readonly error: Error }

const plainly: Avoid = { pairs: [], bundles: true, libmagic: true, signers: true, examining: true, done: [] }

/** What one task has cost so far. */
export class Blame {
  readonly #counts = new Map<string, number>()
  #avoid: Avoid = plainly

  get avoid(): Avoid {
    return this.#avoid
  }

  markDone(items: readonly number[]): void {
    this.#avoid = { ...this.#avoid, done: [...this.#avoid.done, ...items] }
  }

  /** `at` is null when the worker had not begun with the task. */
  judge(kind: TaskKind, cause: Exclude<Cause, 'ended'>, at: FlightStep | null): Verdict {
    if (at === null) {
      if (this.#count('not begun') < LOSSES_BEFORE_BEGINNING) return { kind: 'retry' }
      return { kind: 'fail', error: new Failure('workers.lost') }
    }
    const { stage, item } = at
    const scansItems = kind === 'verify' || kind === 'examine'
    // Not to be put down to chance: the limits themselves were reached.
    const given = cause === 'timeout' || (cause === 'memory' && kind === 'check')

    if (kind === 'take' && stage !== 'take') {
      this.#avoid = { ...this.#avoid, examining: false }
      return { kind: 'retry' }
    }
    if ((stage === 'compile' || stage === 'scan') && at.bundle) {
      this.#avoid = { ...this.#avoid, bundles: false }
      return { kind: 'retry' }
    }
    if (stage === 'compile' && at.ruleset !== null && scansItems) {
      if (!given && this.#count(`compile ${at.ruleset}`) < 2) return { kind: 'retry' }
      return { kind: 'bench', ruleset: at.ruleset, trouble: troubleOf(cause, 'compiling the ruleset') }
    }
    if (stage === 'scan' && scansItems) {
      const crashes = given ? 0 : this.#count(`item ${item}`)
      if (crashes >= CRASHES_PER_SAMPLE) return this.#giveUp(item, null, cause)
      if (!given && this.#count(`item ${item} ${at.ruleset}`) < 2) return { kind: 'retry' }
      return this.#giveUp(item, at.ruleset, cause)
    }
    if (stage === 'identify' && this.#avoid.libmagic) {
      if (given || this.#count('identify') >= 2) this.#avoid = { ...this.#avoid, libmagic: false }
      return { kind: 'retry' }
    }
    if (stage === 'signers' && this.#avoid.signers) {
      if (given || this.#count('signers') >= 2) this.#avoid = { ...this.#avoid, signers: false }
      return { kind: 'retry' }
    }
    if (!given && this.#count(`${stage} ${item}`) < 2) return { kind: 'retry' }
    if (kind === 'verify') return this.#giveUp(item, null, cause)
    return { kind: 'fail', error: new Error(`The worker was lost over it: ${troubleOf(cause, stage).message}`) }
  }

  #giveUp(item: number, ruleset: string | null, cause: Exclude<Cause, 'ended'>): Verdict {
    const pair = { item, ruleset, trouble: troubleOf(cause, 'scanning the sample') }
    this.#avoid = { ...this.#avoid, pairs: [...this.#avoid.pairs, pair] }
    return { kind: 'retry' }
  }

  #count(what: string): number {
    const count = (this.#counts.get(what) ?? 0) + 1
    this.#counts.set(what, count)
    return count
  }
}

function troubleOf(cause: Exclude<Cause, 'ended'>, what: string): Trouble {
  switch (cause) {
    case 'timeout':
      return { reason: 'timeout', message: `${what} took longer than allowed` }
    case 'memory':
      return { reason: 'memory', message: `${what} needed more memory than allowed` }
    case 'crash':
      return { reason: 'crash', message: `${what} ended the worker process` }
  }
}
