import type { Comparison, Expression, TextOperation } from '../yara/index.ts'
import { always } from './algebra.ts'
import type { Plan } from './plan.ts'
import type { Scope } from './scope.ts'

export function fieldDefined(_expression: Expression, _scope: Scope): Plan {
  return always
}

export function fieldComparisonDemand(
  _operator: Comparison['operator'],
  _left: Expression,
  _right: Expression,
  _scope: Scope,
): Plan | null {
  return null
}

export function textOperationDemand(_operation: TextOperation, _scope: Scope): Plan {
  return always
}
