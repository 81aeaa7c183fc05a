/**
 * Comparisons of how often strings occur: `#a + #b > 4`, `#a * 2 >= #b + 1`.
 *
 * Where none of the strings is in a sample, every count is 0. So when the comparison is not true with zeros in their
 * place, one of the strings must be there. And a side that only grows with its counts is at least what it is with zeros:
 * of `#a > #b` the left side must be more than 0, so `$a` must be there.
 *
 *     #a + #b > 4     0 + 0 > 4 is false     $a or $b
 *     #a > #b         0 > 0 is false         $a, since #b is at least 0
 *     #a == #b        0 == 0 is true         nothing
 */
import type { Comparison, Expression } from '../yara/index.ts'
import { always, anyOf } from './algebra.ts'
import { constantOf } from './constants.ts'
import type { Plan } from './plan.ts'
import { resolved, type Scope, stringNamed } from './scope.ts'
import { stringPlan } from './strings.ts'

type Operator = Comparison['operator']

/** What must hold for a comparison of counts (on the left, at least) to be true. */
export function countDemand(operator: Operator, left: Expression, right: Expression, scope: Scope): Plan {
  const [first, second] = [sumOf(left, scope), sumOf(right, scope)]
  if (first === null || second === null || first.strings.length + second.strings.length === 0) return always
  if (compares(first.atZero, operator, second.atZero)) return always
  const onlyLeft = (operator === '>' || operator === '>=') && second.grows
  return anyOf([...first.strings, ...(onlyLeft ? [] : second.strings)])
}

/** An expression of constants and counts. */
interface Sum {
  /** Its value where no string occurs. */
  readonly atZero: bigint
  /** The plans of the strings that are counted. */
  readonly strings: readonly Plan[]
  /** True when it is never less than `atZero`. */
  readonly grows: boolean
}

/** Null for an expression in which anything else stands. */
function sumOf(expression: Expression, scope: Scope): Sum | null {
  return scope.effort.spend(() => readSum(expression, scope), null)
}

function readSum(expression: Expression, scope: Scope): Sum | null {
  const constant = constantOf(expression, scope)
  if (constant !== null) return within({ atZero: constant, strings: [], grows: true })
  const subject = resolved(expression, scope)
  if (subject.expression.kind === 'stringCount') {
    const string = stringNamed(subject.expression.identifier, subject.scope)
    return string === null ? null : { atZero: 0n, strings: [stringPlan(string, scope.effort.budget)], grows: true }
  }
  if (subject.expression.kind !== 'arithmetic') return null
  const { operator } = subject.expression
  const left = sumOf(subject.expression.left, subject.scope)
  const right = sumOf(subject.expression.right, subject.scope)
  if (left === null || right === null) return null
  const strings = [...left.strings, ...right.strings]
  switch (operator) {
    case '+':
      return within({ atZero: left.atZero + right.atZero, strings, grows: left.grows && right.grows })
    case '-':
      return within({ atZero: left.atZero - right.atZero, strings, grows: left.grows && right.strings.length === 0 })
    case '*':
      // Products of counts and large constants could wrap around.
      return within({ atZero: left.atZero * right.atZero, strings, grows: false })
    default:
      return null
  }
}

/** Integers wrap around at 64 bits; sums of counts come nowhere near it, and what starts there is left to the engine. */
function within(sum: Sum): Sum | null {
  return sum.atZero > -LIMIT && sum.atZero < LIMIT ? sum : null
}

const LIMIT = 2n ** 31n

export function compares(left: bigint, operator: Operator, right: bigint): boolean {
  switch (operator) {
    case '==':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}
