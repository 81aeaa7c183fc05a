import { Failure } from '../errors/index.ts'

/** `checking`: a part of it is still being looked at. */
export type DatabaseState = 'sound' | 'checking' | 'damaged'

/**
 * What is known of the database's soundness in this process. Damage is never taken back: whatever was read after it may
 * be wrong, so the way out is a stop, a check and a repair.
 */
export class DatabaseHealth {
  readonly #problems = new Set<string>()
  #checking = false
  #onDamage: (problem: string) => void = () => {}

  get state(): DatabaseState {
    if (this.#problems.size > 0) return 'damaged'
    return this.#checking ? 'checking' : 'sound'
  }

  get problems(): readonly string[] {
    return [...this.#problems]
  }

  /** Calls `heard` with each new problem. */
  onDamage(heard: (problem: string) => void): void {
    this.#onDamage = heard
  }

  report(problem: string): void {
    if (this.#problems.has(problem) || this.#problems.size >= MOST_PROBLEMS) return
    this.#problems.add(problem)
    this.#onDamage(problem)
  }

  /** While `check` runs, the state is `checking`. */
  async during(check: () => Promise<void>): Promise<void> {
    this.#checking = true
    try {
      await check()
    } finally {
      this.#checking = false
    }
  }

  /** Throws `database.damaged` once damage is known: nothing may be called complete then. */
  demandSound(): void {
    const [problem] = this.#problems
    if (problem !== undefined)
      throw new Failure('database.damaged', `The database is damaged (${problem}). ${checkFirst}`)
  }
}

const MOST_PROBLEMS = 20

export const checkFirst = 'Stop Backtrail and run "backtrail check" on the data folder, which tells what can be done.'
