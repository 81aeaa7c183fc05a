/** What one parse may cost. A text that exceeds it gets the diagnostic `budget-exceeded` instead of a tree. */
export interface ParseBudget {
  /** Length of the text in UTF-16 code units. */
  readonly maxLength: number
  /** How deep expressions, hex alternatives and regular expressions may nest. */
  readonly maxDepth: number
  /** Nodes of the tree over the whole text. */
  readonly maxNodes: number
}

export const defaultBudget: ParseBudget = { maxLength: 32 << 20, maxDepth: 512, maxNodes: 8_000_000 }
