import type { Comparison } from '../yara/index.ts'

type Operator = Comparison['operator']

/** The operator with its sides exchanged, and the one that holds where it does not. */
export const mirrored: Record<Operator, Operator> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}
export const opposite: Record<Operator, Operator> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
}

/** The integers between `lowest` and `highest` that compare so with the constant: none, one or two ranges. */
export function rangesOf(
  operator: Operator,
  constant: bigint,
  lowest: number,
  highest: number,
): { min: number; max: number }[] {
  // Every bound here is below 2^53 or infinite, so the constant may be clamped to what a number holds exactly.
  const value = Number(constant < -LIMIT ? -LIMIT : constant > LIMIT ? LIMIT : constant)
  const within = (min: number, max: number) => {
    const range = { min: Math.max(min, lowest), max: Math.min(max, highest) }
    return range.min <= range.max ? [range] : []
  }
  switch (operator) {
    case '==':
      return within(value, value)
    case '!=':
      return [...within(lowest, value - 1), ...within(value + 1, highest)]
    case '<':
      return within(lowest, value - 1)
    case '<=':
      return within(lowest, value)
    case '>':
      return within(value + 1, highest)
    case '>=':
      return within(value, highest)
  }
}

const LIMIT = 2n ** 52n
