import type { ParseBudget } from './budget.ts'
import type { Complain } from './literals.ts'
import type { TreeReader } from './tree-reader.ts'

/** What every function that reads a tree needs at hand. */
export interface Reading {
  readonly tree: TreeReader
  readonly budget: ParseBudget
  readonly complain: Complain
  /** How deep the expression is that was read last, in expressions within each other. */
  depth: number
  /** Keys of the rules that nest too deep to be read. */
  readonly tooDeep: ReadonlySet<string>
}
