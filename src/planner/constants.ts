import type { Arithmetic, Expression } from '../yara/index.ts'
import type { Scope } from './scope.ts'

/**
 * The value of an expression that is the same for every sample, where it is certain that the engine computes the same.
 * Null for everything that depends on the sample, is no integer, or is better left to the engine.
 *
 * The engine folds constants as floating-point numbers, which saturate where they become integers again. So arithmetic
 * is followed only while every number in it, the result included, is one that both hold exactly; a literal that stands
 * alone is exact whatever its size.
 *
 *     500 * 1024 - 1                       511999
 *     0x7FFFFFFFFFFFFFFF + 1               null: 0x7FFFFFFFFFFFFFFF to the engine, and negative to a processor
 *     0x20000000000001 - 0x20000000000000  null: 0 to the engine
 */
export function constantOf(expression: Expression, scope: Scope): bigint | null {
  return scope.effort.spend(() => fold(expression, scope), null)
}

/**
 * Sums of as many of these as one chain may have stay below 2^53 in whatever order the engine takes them.
 */
const EXACT = 1n << 43n

/** Whether arithmetic with this number is exact in every representation. */
export function isExact(value: bigint): boolean {
  return value <= EXACT && value >= -EXACT
}

function fold(expression: Expression, scope: Scope): bigint | null {
  switch (expression.kind) {
    case 'integer':
      return expression.value
    case 'negate':
      return folded(constantOf(expression.operand, scope), (value) => -value)
    case 'bitwiseNot':
      return folded(constantOf(expression.operand, scope), (value) => ~value)
    case 'arithmetic': {
      const left = constantOf(expression.left, scope)
      if (left === null || !isExact(left)) return null
      return folded(constantOf(expression.right, scope), (right) => computed(expression.operator, left, right))
    }
    case 'identifier': {
      const bound = scope.variables.get(expression.name)
      return bound ? constantOf(bound.value, bound.scope) : null
    }
    default:
      return null
  }
}

function folded(operand: bigint | null, compute: (operand: bigint) => bigint | null): bigint | null {
  if (operand === null || !isExact(operand)) return null
  const result = compute(operand)
  return result !== null && isExact(result) ? result : null
}

function computed(operator: Arithmetic['operator'], left: bigint, right: bigint): bigint | null {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '\\':
      // Whether a part below one is kept for what follows, and which way it is rounded, is the engine's affair.
      return right === 0n || left % right !== 0n || left < 0n || right < 0n ? null : left / right
    case '%':
      return right <= 0n || left < 0n ? null : left % right
    case '&':
      return left & right
    case '|':
      return left | right
    case '^':
      return left ^ right
    case '<<':
      return right < 0n || right > 43n || left < 0n ? null : left << right
    case '>>':
      return right < 0n || right > 43n || left < 0n ? null : left >> right
  }
}
