import { LRUCache } from 'lru-cache'
import type { ExternalVariables } from '../tasks.ts'
import { isMistakenForAnotherType, withValuesInPlace } from '../text-variables.ts'

const KEPT = 8

/** Compiled rules of a binding, as far as variants of them differ. */
interface Limited {
  setMaxMatchesPerPattern(count: number): void
}

/** The same rules with values written into them, for values that the binding takes for numbers; see text-variables.ts. */
export class Variants<Rules extends Limited> {
  readonly #text: string
  readonly #rules: Rules
  readonly #compile: (text: string) => Rules
  readonly #compiled = new LRUCache<string, Rules>({ max: KEPT })
  #matchesPerString: number | null = null

  constructor(text: string, compile: (text: string) => Rules) {
    this.#text = text
    this.#compile = compile
    this.#rules = compile(text)
  }

  limitMatchesPerString(count: number): void {
    this.#matchesPerString = count
    this.#rules.setMaxMatchesPerPattern(count)
  }

  get plain(): Rules {
    return this.#rules
  }

  /** What to scan with, and the variables to pass. */
  for(variables: ExternalVariables): { readonly rules: Rules; readonly variables: ExternalVariables } {
    const mistaken = Object.entries(variables).filter(([, value]) => isMistakenForAnotherType(value))
    if (mistaken.length === 0) return { rules: this.#rules, variables }
    const known = { ...variables, ...Object.fromEntries(mistaken.map(([name]) => [name, ''])) }
    return { rules: this.#with(mistaken) ?? this.#rules, variables: known }
  }

  /** Null when the rules mention none of the variables. */
  #with(values: readonly (readonly [name: string, value: string])[]): Rules | null {
    const mentioned = values.filter(([name]) => new RegExp(`\\b${name}\\b`).test(this.#text))
    if (mentioned.length === 0) return null
    const key = JSON.stringify(mentioned)
    let rules = this.#compiled.get(key)
    if (rules === undefined) {
      rules = this.#compile(withValuesInPlace(this.#text, new Map(mentioned)))
      if (this.#matchesPerString !== null) rules.setMaxMatchesPerPattern(this.#matchesPerString)
      this.#compiled.set(key, rules)
    }
    return rules
  }
}
