/**
 * Comparisons of what the index knows exactly: the file's size, integers read near its start, digests of the whole
 * file, and whether a string occurs at all.
 */
import type { Call, Comparison, Expression } from '../yara/index.ts'
import { allOf, always, anyOf, factPlan, may, never, sizePlan } from './algebra.ts'
import { constantOf, isExact } from './constants.ts'
import { compares, countDemand } from './counts.ts'
import { fieldComparisonDemand, fieldDefined } from './modules.ts'
import { offsetDemand } from './places.ts'
import type { Plan } from './plan.ts'
import { integerRange } from './print.ts'
import { programComparison, programNotComparison } from './programs.ts'
import { mirrored, opposite, rangesOf } from './ranges.ts'
import { resolved, type Scope, stringNamed } from './scope.ts'
import { stringPlan } from './strings.ts'
import { variableComparison } from './variables.ts'

const undecided = may('a comparison that only a scan can decide')

type Operator = Comparison['operator']

/** What must hold for the comparison to be true. */
export function comparisonDemand({ operator, left, right }: Comparison, scope: Scope): Plan {
  return allOf([
    definedIn(left, scope),
    definedIn(right, scope),
    sideDemand(operator, left, right, scope),
    sideDemand(mirrored[operator], right, left, scope),
    undecided,
  ])
}

/** What must hold for the comparison to be false or undefined. */
export function comparisonNotDemand({ operator, left, right }: Comparison, scope: Scope): Plan {
  return allOf([
    sideNotDemand(operator, left, right, scope),
    sideNotDemand(mirrored[operator], right, left, scope),
    undecided,
  ])
}

/** What must hold for the expression to have a value at all. */
export function definedIn(expression: Expression, scope: Scope): Plan {
  return scope.effort.spend(() => defined(expression, scope), always)
}

function defined(expression: Expression, scope: Scope): Plan {
  switch (expression.kind) {
    case 'arithmetic':
      return allOf([definedIn(expression.left, scope), definedIn(expression.right, scope)])
    case 'negate':
    case 'bitwiseNot':
      return definedIn(expression.operand, scope)
    case 'stringOffset':
    case 'stringLength': {
      const string = stringNamed(expression.identifier, scope)
      return string === null ? always : stringPlan(string, scope.effort.budget)
    }
    case 'identifier': {
      const bound = scope.variables.get(expression.name)
      return bound ? definedIn(bound.value, bound.scope) : always
    }
    case 'call': {
      const read = readOf(expression)
      if (read === null) return fieldDefined(expression, scope)
      const offset = constantOf(read.offset, scope)
      if (offset === null || offset < 0n) return definedIn(read.offset, scope)
      return sizePlan(Number(offset) + read.width, Number.POSITIVE_INFINITY)
    }
    case 'member':
    case 'index':
      return fieldDefined(expression, scope)
    default:
      return always
  }
}

function sideDemand(operator: Operator, left: Expression, right: Expression, scope: Scope): Plan {
  const text =
    variableComparison(operator, left, right, scope) ??
    programComparison(operator, left, right, scope) ??
    fieldComparisonDemand(operator, left, right, scope)
  if (text !== null) return text
  const constant = constantOf(right, scope)
  if (constant === null) return countDemand(operator, left, right, scope)
  const own = constantOf(left, scope)
  if (own !== null) {
    const isCertain = isExact(own) && isExact(constant) && !compares(own, operator, constant)
    return isCertain ? never('two constants that do not compare so') : always
  }
  const subject = resolved(left, scope)
  switch (subject.expression.kind) {
    case 'filesize':
      return anyOf(rangesOf(operator, constant, 0, Number.POSITIVE_INFINITY).map(({ min, max }) => sizePlan(min, max)))
    case 'stringCount': {
      // When no occurrence is not enough, there must be one.
      const string = stringNamed(subject.expression.identifier, subject.scope)
      return string === null || compares(0n, operator, constant) ? always : stringPlan(string, scope.effort.budget)
    }
    case 'call':
      return readDemand(subject.expression, operator, constant, subject.scope)
    case 'stringOffset': {
      const string = stringNamed(subject.expression.identifier, subject.scope)
      return string === null ? always : offsetDemand(string, operator, constant, scope.effort.budget)
    }
    case 'arithmetic':
      return allOf([
        operator === '==' ? maskedDemand(subject.expression, constant, subject.scope) : always,
        countDemand(operator, left, right, scope),
      ])
    default:
      return always
  }
}

function sideNotDemand(operator: Operator, left: Expression, right: Expression, scope: Scope): Plan {
  const text =
    variableComparison(opposite[operator], left, right, scope) ?? programNotComparison(operator, left, right, scope)
  if (text !== null) return text
  const constant = constantOf(right, scope)
  if (constant === null) return always
  const subject = resolved(left, scope)
  switch (subject.expression.kind) {
    case 'filesize':
      // Always defined: not true is false.
      return sideDemand(opposite[operator], left, right, scope)
    case 'stringCount':
      return isDefinedCount(subject.expression, subject.scope)
        ? sideDemand(opposite[operator], left, right, scope)
        : always
    case 'call': {
      const read = readOf(subject.expression)
      const offset = read === null ? null : constantOf(read.offset, subject.scope)
      if (read === null || offset === null || offset < 0n) return always
      const outside = sizePlan(0, Number(offset) + read.width - 1)
      return anyOf([outside, readDemand(subject.expression, opposite[operator], constant, subject.scope)])
    }
    default:
      return always
  }
}

/** For every sample. A count within bounds that have no value has none either. */
function isDefinedCount({ anchor }: Extract<Expression, { kind: 'stringCount' }>, scope: Scope): boolean {
  if (anchor === null) return true
  if (anchor.kind !== 'in') return false
  const [from, to] = [constantOf(anchor.from, scope), constantOf(anchor.to, scope)]
  return from !== null && to !== null && from >= 0n && from <= to
}

// ------------------------------------------------------------------------------------------------------ integer reads

interface Read {
  readonly width: 1 | 2 | 4
  readonly signed: boolean
  readonly bigEndian: boolean
  readonly offset: Expression
}

/** `uint32be(…)` and its siblings. */
function readOf({ callee, args }: Call): Read | null {
  const [offset] = args
  if (callee.kind !== 'identifier' || args.length !== 1 || offset === undefined) return null
  const match = /^(u?)int(8|16|32)(be)?$/.exec(callee.name)
  if (match === null) return null
  const width = (Number(match[2]) / 8) as 1 | 2 | 4
  return { width, signed: match[1] === '', bigEndian: match[3] !== undefined, offset }
}

function readDemand(call: Call, operator: Operator, constant: bigint, scope: Scope): Plan {
  const read = readOf(call)
  const offset = read === null ? null : constantOf(read.offset, scope)
  if (read === null || offset === null || offset < 0n) return always
  const { width, signed, bigEndian } = read
  const { lowest, highest } = integerRange(width, signed)
  return anyOf(
    rangesOf(operator, constant, lowest, highest).map(({ min, max }) =>
      factPlan({ kind: 'integer', offset: Number(offset), width, signed, bigEndian, min, max }),
    ),
  )
}

/** `uint32(0) & 0x00ffffff == 0x…`: the bits of the mask are fixed. */
function maskedDemand(expression: Expression & { kind: 'arithmetic' }, constant: bigint, scope: Scope): Plan {
  if (expression.operator !== '&') return always
  for (const [side, other] of [
    [expression.left, expression.right],
    [expression.right, expression.left],
  ] as const) {
    const mask = constantOf(other, scope)
    const subject = resolved(side, scope)
    if (mask === null || subject.expression.kind !== 'call') continue
    const read = readOf(subject.expression)
    const offset = read === null ? null : constantOf(read.offset, subject.scope)
    if (read === null || offset === null || offset < 0n) continue
    if ((constant & ~mask) !== 0n) return never('the value has bits that the mask clears')
    // Sign extension puts copies of the top bit above the width; only the bits below are asked for.
    const bytes = (bits: bigint) =>
      Uint8Array.from({ length: read.width }, (_, i) => {
        const place = read.bigEndian ? read.width - 1 - i : i
        return Number((bits >> BigInt(8 * place)) & 0xffn)
      })
    return factPlan({ kind: 'bytes', offset: Number(offset), value: bytes(constant & mask), mask: bytes(mask) })
  }
  return always
}
