import { type CompiledRules, type Engine, noVariables } from '../engine.ts'

/**
 * Rules that demand nothing, to find out whether the engine fails on a sample whatever the rules: one that imports
 * nothing, and one for each module. A module reads the whole sample when it is imported, used or not.
 */
export class Probes {
  readonly #engine: Engine
  readonly #compiled = new Map<string, CompiledRules | null>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Runs the probe of a module; '' for the one without. Returns if it survives. */
  run(module: string, bytes: Buffer): void {
    let rules = this.#compiled.get(module)
    if (rules === undefined) {
      rules = this.#compile(module)
      this.#compiled.set(module, rules)
    }
    try {
      rules?.scan(bytes, noVariables)
    } catch {
      // What the engine reports by itself takes no worker with it.
    }
  }

  #compile(module: string): CompiledRules | null {
    try {
      return this.#engine.compile(`${module === '' ? '' : `import "${module}" `}rule probe { condition: true }`)
    } catch {
      // Not a module: what looked like an import was part of a comment.
      return null
    }
  }
}
