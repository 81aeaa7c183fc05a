/**
 * Where a string must be found: the index keeps the first bytes of a sample, so a string in a short range at the start is
 * looked up there, byte for byte, which also serves strings of two and three bytes.
 *
 *     $mz in (0..2)     bytes at 0, or at 1, or at 2
 *     $mz in (0..1024)  $mz, wherever it is: most of the range is not kept
 *     @mz[1] < 3        as the first
 */
import { HEAD_BYTES } from '../index/index.ts'
import type { Comparison, StringDefinition } from '../yara/index.ts'
import { always, anyOf } from './algebra.ts'
import type { Plan } from './plan.ts'
import type { TextBudget } from './scope.ts'
import { anchoredStringPlan, stringPlan } from './strings.ts'

/** Offsets of a range that are looked at one by one. */
const MAX_OFFSETS = 32

/** What a sample must hold for the string to match at an offset from `from` to `to`, both included. */
export function stringPlanWithin(string: StringDefinition, from: bigint, to: bigint, budget: TextBudget): Plan {
  const isKept = from >= 0n && to >= from && to < BigInt(HEAD_BYTES)
  if (!isKept || to - from >= BigInt(MAX_OFFSETS)) return stringPlan(string, budget)
  const offsets = Array.from({ length: Number(to - from) + 1 }, (_, i) => Number(from) + i)
  budget.steps -= offsets.length
  return anyOf(offsets.map((offset) => anchoredStringPlan(string, offset, budget)))
}

/** What must hold for the offset of any one match of the string to compare so. */
export function offsetDemand(
  string: StringDefinition,
  operator: Comparison['operator'],
  offset: bigint,
  budget: TextBudget,
): Plan {
  switch (operator) {
    case '==':
      return stringPlanWithin(string, offset, offset, budget)
    case '<':
      return stringPlanWithin(string, 0n, offset - 1n, budget)
    case '<=':
      return stringPlanWithin(string, 0n, offset, budget)
    default:
      return always
  }
}
