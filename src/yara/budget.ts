/**
 * What one parse may cost. A text that exceeds it gets the diagnostic `budget-exceeded` and is not understood: as a whole
 * where it is too long or has too many nodes, else the rule that nests too deep. A single regular expression that nests
 * too deep is not known, and a single chain of operators that is too long is `unknown`.
 */
export interface ParseBudget {
  /** Length of the text in UTF-16 code units. */
  readonly maxLength: number
  /**
   * How deep conditions, alternatives and regular expressions may nest, and how many operands one chain such as
   * `1 + 2 + 3` may have. `and` and `or` are flat and may be as long as the text.
   */
  readonly maxDepth: number
  /** Words, signs and what is made of them, over the whole text. */
  readonly maxNodes: number
}

/** Some fifty times the largest public ruleset; about five seconds of work at worst. */
export const defaultBudget: ParseBudget = { maxLength: 16 << 20, maxDepth: 512, maxNodes: 6_000_000 }
