import type { Expression, Rule, StringDefinition } from '../yara/index.ts'
import { memoized } from './memoized.ts'
import type { Plan } from './plan.ts'

/** What a name stands for inside a loop or a `with`; null where it takes values that are not known. */
export type Binding = { readonly value: Expression; readonly scope: Scope } | null

/** What expressions see: the rule's strings, the loops around them, the rules before. */
export interface Scope {
  readonly rule: Rule
  /** The string that `$` stands for inside a `for … of`. */
  readonly current: StringDefinition | null
  readonly variables: ReadonlyMap<string, Binding>
  /** Rules above this one, and all others of the file with null. */
  readonly rules: ReadonlyMap<string, PlannedRule | null>
  readonly effort: Effort
}

/** A rule as the rules below refer to it. */
export interface PlannedRule {
  readonly plan: Plan
  readonly scope: Scope
}

/** Bounds the planning of a text, whose rules share what they may cost together. */
export class TextBudget {
  /** Expressions that are looked at. */
  steps = 1_500_000
  /** Literals that are looked up; `xor` alone makes 512 of one string. */
  literals = 65_536
}

/** Bounds the planning of one rule: `with` and loops can make a small text mean a very large condition. */
export class Effort {
  readonly budget: TextBudget
  #steps = 100_000
  #depth = 0

  constructor(budget: TextBudget) {
    this.budget = budget
  }

  /** Counts what is looked at without a visit: the members of a set, the parts of a plan. */
  charge(steps: number): void {
    this.#steps -= steps
    this.budget.steps -= steps
  }

  /** Runs `visit` unless the bound is reached; then gives `otherwise`, which must be an answer on the safe side. */
  spend<Answer>(visit: () => Answer, otherwise: Answer): Answer {
    if (this.#steps <= 0 || this.budget.steps <= 0 || this.#depth >= 400) return otherwise
    this.charge(1)
    this.#depth++
    try {
      return visit()
    } finally {
      this.#depth--
    }
  }
}

/** The scope inside a loop or `with`: one more name. */
export function binding(scope: Scope, name: string, value: Binding): Scope {
  return { ...scope, variables: new Map(scope.variables).set(name, value) }
}

/** The string that an identifier such as `$a`, or `$` inside a loop, stands for. */
export function stringNamed(identifier: string, scope: Scope): StringDefinition | null {
  if (identifier === '$') return scope.current
  return stringsByName(scope.rule).get(identifier) ?? null
}

const stringsByName = memoized(
  // The first of a name counts, as for the engine, which refuses a second.
  ({ strings }: Rule): ReadonlyMap<string, StringDefinition> =>
    new Map(strings.toReversed().map((string) => [string.identifier, string])),
)

/** What a name bound by `with` or a loop stands for. */
export function resolved(expression: Expression, scope: Scope): { expression: Expression; scope: Scope } {
  let current = { expression, scope }
  for (let hops = 0; hops < 100 && current.expression.kind === 'identifier'; hops++) {
    const bound = current.scope.variables.get(current.expression.name)
    if (!bound) break
    current = { expression: bound.value, scope: bound.scope }
  }
  return current
}
