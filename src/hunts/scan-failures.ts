import type { ScanError } from '../scanning/index.ts'

interface Failures {
  /** Samples on which it was run and failed. */
  failed: number
  /** Samples on which it was not run: after that, or since a module of the engine fails on them. */
  skipped: number
  message: string
}

/** Rulesets that are named one by one. */
const NAMED = 10

/** Which rulesets of a hunt could not be run, on how many samples, and why. */
export class ScanFailures {
  readonly #nameOf: (ruleset: string) => string
  readonly #byRuleset = new Map<string, Failures>()

  constructor(nameOf: (ruleset: string) => string) {
    this.#nameOf = nameOf
  }

  note(errors: readonly ScanError[]): void {
    for (const { ruleset, reason, message } of errors) {
      const failures = this.#byRuleset.get(ruleset) ?? { failed: 0, skipped: 0, message: '' }
      if (reason === 'quarantine' || reason === 'module') failures.skipped++
      else failures.failed++
      // What it did says more than that it is not run any more.
      if (reason !== 'quarantine' || failures.message === '') failures.message = message
      this.#byRuleset.set(ruleset, failures)
    }
  }

  /** One line; null when everything was run. */
  get report(): string | null {
    if (this.#byRuleset.size === 0) return null
    const named = [...this.#byRuleset].slice(0, NAMED).map(([ruleset, { failed, skipped, message }]) => {
      const parts = [
        ...(failed > 0 ? [`on ${samples(failed)}`] : []),
        ...(skipped > 0 ? [`left out on ${samples(skipped)}`] : []),
      ]
      return `${this.#nameOf(ruleset)} was stopped: ${parts.join(', ')}; the last time, ${message}`
    })
    const more = this.#byRuleset.size - named.length
    return [...(more > 0 ? [`${more} more rulesets had to be stopped`] : []), ...named].join('; ')
  }
}

function samples(count: number): string {
  return count === 1 ? '1 sample' : `${count} samples`
}
