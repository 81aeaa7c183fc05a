import type { ParseBudget } from './budget.ts'
import type { Complain } from './literals.ts'
import type { TreeReader } from './tree-reader.ts'

/** What every function that reads a tree needs at hand. */
export interface Reading {
  readonly tree: TreeReader
  readonly budget: ParseBudget
  readonly complain: Complain
  /** Keys of the rules that nest too deep to be read. */
  readonly tooDeep: ReadonlySet<string>
}
