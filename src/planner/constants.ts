import type { Arithmetic, Expression } from '../yara/index.ts'
import type { Scope } from './scope.ts'

/**
 * The value of an expression that is the same for every sample, as the engine computes it: 64-bit integers that wrap
 * around. Null for everything that depends on the sample, is no integer, or is better left to the engine.
 */
export function constantOf(expression: Expression, scope: Scope): bigint | null {
  return scope.effort.spend(() => fold(expression, scope), null)
}

function fold(expression: Expression, scope: Scope): bigint | null {
  switch (expression.kind) {
    case 'integer':
      return BigInt.asIntN(64, expression.value)
    case 'negate': {
      const value = constantOf(expression.operand, scope)
      return value === null ? null : BigInt.asIntN(64, -value)
    }
    case 'bitwiseNot': {
      const value = constantOf(expression.operand, scope)
      return value === null ? null : BigInt.asIntN(64, ~value)
    }
    case 'arithmetic': {
      const left = constantOf(expression.left, scope)
      const right = left === null ? null : constantOf(expression.right, scope)
      return left === null || right === null ? null : computed(expression.operator, left, right)
    }
    case 'identifier': {
      const bound = scope.variables.get(expression.name)
      return bound ? constantOf(bound.value, bound.scope) : null
    }
    default:
      return null
  }
}

function computed(operator: Arithmetic['operator'], left: bigint, right: bigint): bigint | null {
  switch (operator) {
    case '+':
      return BigInt.asIntN(64, left + right)
    case '-':
      return BigInt.asIntN(64, left - right)
    case '*':
      return BigInt.asIntN(64, left * right)
    case '\\':
      return right === 0n ? null : BigInt.asIntN(64, left / right)
    case '%':
      return right === 0n ? null : BigInt.asIntN(64, left % right)
    case '&':
      return left & right
    case '|':
      return left | right
    case '^':
      return left ^ right
    case '<<':
      return right < 0n || right > 63n ? null : BigInt.asIntN(64, left << right)
    case '>>':
      // Whether a negative number keeps its sign is the engine's affair.
      return right < 0n || right > 63n || left < 0n ? null : left >> right
  }
}
