import { createRequire } from 'node:module'
import { LRUCache } from 'lru-cache'
import type { Diagnostic } from '../yara/index.ts'
import { readReport } from './engine-report.ts'
import type { ExternalVariables } from './tasks.ts'
import { isMistakenForAnotherType, withValuesInPlace } from './text-variables.ts'

/** What Backtrail asks of a YARA engine. Compiling and scanning block the thread for as long as they take. */
export interface Engine {
  /** Every error and warning that the engine has about a text. */
  diagnose(text: string): Diagnostic[]
  /** Throws when the text does not compile. */
  compile(text: string): CompiledRules
}

export interface CompiledRules {
  /** The rules that hold on `bytes`, without private rules, in the order of the text. */
  scan(bytes: Buffer, variables: ExternalVariables): EngineMatch[]
  /**
   * The engine stops recording a string's matches after `count`. That changes the outcome of conditions that look at
   * offsets, lengths or numbers of matches; set it only for texts that have none.
   */
  limitMatchesPerString(count: number): void
  /** The engine's warnings about the text: what `diagnose` says of one that compiles. */
  warnings(): Diagnostic[]
}

export interface EngineMatch {
  readonly rule: string
  readonly tags: readonly string[]
  /** As far as the engine reports: this binding gives `unknown` for a boolean. */
  readonly meta: Readonly<Record<string, string | number>>
  /** Of all strings, private ones too; offsets and lengths in bytes. */
  readonly strings: readonly { readonly identifier: string; readonly offset: number; readonly length: number }[]
}

/** The part of `@litko/yara-x` that is used here; its own declarations name types that they do not declare. */
interface YaraXBinding {
  validate(text: string, options: YaraXOptions): { errors: YaraXReport[]; warnings: YaraXReport[] }
  compile(text: string, options: YaraXOptions): YaraXRules
}

interface YaraXOptions {
  readonly relaxedReSyntax: boolean
  readonly enableIncludes: boolean
  readonly defineVariables: ExternalVariables
}

interface YaraXReport {
  readonly code: string
  readonly message: string
}

interface YaraXRules {
  scan(bytes: Buffer, variables: ExternalVariables): YaraXMatch[]
  setMaxMatchesPerPattern(count: number): void
  getWarnings(): YaraXReport[]
}

interface YaraXMatch {
  readonly ruleIdentifier: string
  readonly tags: string[]
  readonly meta: Record<string, string | number>
  readonly matches: { readonly identifier: string; readonly offset: number; readonly length: number }[]
}

export const noVariables: ExternalVariables = { filename: '', filepath: '', extension: '', filetype: '', owner: '' }

const options: YaraXOptions = {
  // Public rules are written for libyara, which takes `\_` or an unescaped `{` as they are.
  relaxedReSyntax: true,
  // The binding's default opens any path on the machine and quotes its first line in the error.
  enableIncludes: false,
  defineVariables: noVariables,
}

/**
 * YARA-X in this process. It has no time limit of its own and cannot be interrupted: use it in worker processes only.
 */
export function loadYaraX(): Engine {
  const binding = createRequire(import.meta.url)('@litko/yara-x') as YaraXBinding
  return {
    diagnose(text) {
      const { errors, warnings } = binding.validate(text, options)
      return [
        ...errors.map((report) => readReport('error', report.code, report.message, text)),
        ...warnings.map((report) => readReport('warning', report.code, report.message, text)),
      ]
    },
    compile(text) {
      const rules = binding.compile(text, options)
      const variants = new Variants(text, (variant) => binding.compile(variant, options))
      return {
        scan: (bytes, variables) => {
          const mistaken = Object.entries(variables).filter(([, value]) => isMistakenForAnotherType(value))
          const known = { ...variables, ...Object.fromEntries(mistaken.map(([name]) => [name, ''])) }
          return (mistaken.length === 0 ? rules : (variants.with(mistaken) ?? rules))
            .scan(bytes, known)
            .map((match) => ({
              rule: match.ruleIdentifier,
              tags: match.tags,
              meta: match.meta,
              strings: match.matches,
            }))
        },
        limitMatchesPerString: (count) => {
          rules.setMaxMatchesPerPattern(count)
          variants.matchesPerString = count
        },
        warnings: () => rules.getWarnings().map((report) => readReport('warning', report.code, report.message, text)),
      }
    },
  }
}

const KEPT_VARIANTS = 8

/** The same rules with values written into them; see text-variables.ts. */
class Variants {
  readonly #text: string
  readonly #compile: (text: string) => YaraXRules
  readonly #compiled = new LRUCache<string, YaraXRules>({ max: KEPT_VARIANTS })
  matchesPerString: number | null = null

  constructor(text: string, compile: (text: string) => YaraXRules) {
    this.#text = text
    this.#compile = compile
  }

  /** Null when the rules mention none of the variables. */
  with(values: readonly (readonly [name: string, value: string])[]): YaraXRules | null {
    const mentioned = values.filter(([name]) => new RegExp(`\\b${name}\\b`).test(this.#text))
    if (mentioned.length === 0) return null
    const key = JSON.stringify(mentioned)
    let rules = this.#compiled.get(key)
    if (rules === undefined) {
      rules = this.#compile(withValuesInPlace(this.#text, new Map(mentioned)))
      if (this.matchesPerString !== null) rules.setMaxMatchesPerPattern(this.matchesPerString)
      this.#compiled.set(key, rules)
    }
    return rules
  }
}
