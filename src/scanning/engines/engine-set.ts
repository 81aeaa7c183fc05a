import type { Diagnostic } from '../../yara/index.ts'
import type { CompiledRules, Engine, EngineChoice, Engines } from '../engine.ts'
import { importedModules } from '../imported-modules.ts'
import { asksForLengthsOfAlternatives, hasTellingRepetitions } from './known-defects.ts'
import { yaraX17, yaraX120 } from './native.ts'
import { yaraXInWebAssembly } from './web-assembly.ts'

/** Modules that YARA-X 1.7.1 does not have. */
const newerModules: ReadonlySet<string> = new Set(['dex', 'zip'])

interface Candidate {
  readonly engine: Engine
  readonly hasNewerModules: boolean
  /** It is known to answer wrongly what this text asks. */
  readonly hasDefect: (text: string) => boolean
}

/**
 * The engines that this machine has, the usual one first: what it does not compile, the next may. It stays first though it
 * is older, since the newer ones run on rewritten conditions and have been watched for less time.
 */
export function loadEngines(choice: EngineChoice): Engines {
  const usual = choice === 'native' ? yaraX17() : null
  const newer = choice === 'native' ? yaraX120() : null
  return new EngineSet(
    [
      ...(usual === null ? [] : [{ engine: usual, hasNewerModules: false, hasDefect: asksForLengthsOfAlternatives }]),
      { engine: newer ?? yaraXInWebAssembly(), hasNewerModules: true, hasDefect: hasTellingRepetitions },
    ],
    usual === null && newer === null,
  )
}

/** The usual engine alone, for tests and measurements. */
export function loadUsualEngine(): Engine {
  const engine = yaraX17()
  if (engine === null) throw new Error('there is no native engine for this machine')
  return engine
}

/** Every engine that this machine can run, whatever was chosen. */
export function bundledEngines(): readonly Engine[] {
  return [yaraX17(), yaraX120(), yaraXInWebAssembly()].filter((engine) => engine !== null)
}

class EngineSet implements Engines {
  readonly isSlow: boolean
  readonly #candidates: readonly [Candidate, ...Candidate[]]

  constructor(candidates: readonly Candidate[], isSlow: boolean) {
    this.#candidates = candidates as readonly [Candidate, ...Candidate[]]
    this.isSlow = isSlow
  }

  get name(): string {
    return this.#candidates[0].engine.name
  }

  get overheadNs(): number {
    return this.#candidates[0].engine.overheadNs
  }

  firstFor(text: string): string {
    return this.#inOrder(text)[0].name
  }

  compileOn(name: string, text: string): CompiledRules {
    const found = this.#candidates.find(({ engine }) => engine.name === name)
    if (found === undefined) throw new Error(`there is no engine ${name} here`)
    return found.engine.compile(text)
  }

  /** With the first engine that compiles the text. Throws what the first says when none does. */
  compile(text: string): CompiledRules {
    const [first, ...others] = this.#inOrder(text)
    try {
      return first.compile(text)
    } catch (error) {
      for (const other of others) {
        try {
          return other.compile(text)
        } catch {
          // What the first says is about the language that most rules are written in.
        }
      }
      throw error
    }
  }

  /** Of the engine that runs the text; where none does, of the one that has least against it. */
  diagnose(text: string): Diagnostic[] {
    const [first, ...others] = this.#inOrder(text)
    let least = first.diagnose(text)
    for (const other of others) {
      if (errorsIn(least) === 0) break
      const found = other.diagnose(text)
      if (errorsIn(found) < errorsIn(least)) least = found
    }
    return least
  }

  /** Those that may run the text, in the order in which they are tried. */
  #inOrder(text: string): [Engine, ...Engine[]] {
    const isNewer = importedModules(text).some((module) => newerModules.has(module))
    const able = this.#candidates.filter(({ hasNewerModules }) => !isNewer || hasNewerModules)
    const sound = able.findIndex(({ hasDefect }) => !hasDefect(text))
    // Where each has its faults with a text, it is run all the same.
    const tried = able.slice(Math.max(0, sound))
    const others = this.#candidates.filter((one) => !able.includes(one))
    return [...tried, ...others].map(({ engine }) => engine) as [Engine, ...Engine[]]
  }
}

function errorsIn(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter(({ severity }) => severity === 'error').length
}
