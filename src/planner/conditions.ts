/**
 * Conditions as plans: what a sample must be like for an expression to be true.
 *
 * Three questions are asked of an expression, and each answer is a *necessary* condition:
 *
 *     demandOf      it is true
 *     demandOfNot   it is not true: false, or undefined
 *     definedIn     it has a value (in comparisons.ts and modules.ts: a read inside the file, a field of a PE)
 *
 * The index can only prove absence, so `demandOf($a)` is the string's plan while `demandOfNot($a)` is nothing; only
 * exact facts, such as the file's size, are worth something on both sides of a `not`.
 *
 *     not ($a or filesize > 1MB)
 *       demandOfNot(or)  = demandOfNot($a) and demandOfNot(filesize > 1MB)
 *                        = nothing         and filesize <= 1MB
 *
 * Undefined values need care: in YARA a comparison with one is not true, and neither is its negation, but `and` and
 * `or` take it for false, so that `not (uint16(0) == 0x5A4D and true)` is true for an empty file. Because demandOfNot
 * covers the undefined as well, no rule here depends on which it is.
 */
import type {
  Anchor,
  Expression,
  ForIn,
  ForOf,
  OfExpression,
  Quantifier,
  StringDefinition,
  StringSet,
} from '../yara/index.ts'
import { allOf, always, anyOf, atLeast, givenUp, may, never } from './algebra.ts'
import { comparisonDemand, comparisonNotDemand, definedIn } from './comparisons.ts'
import { constantOf } from './constants.ts'
import { fieldTrue, textOperationDemand } from './modules.ts'
import { stringPlanWithin } from './places.ts'
import type { Plan } from './plan.ts'
import { behindEntryPoint, programFalse, programTrue } from './programs.ts'
import { type Binding, binding, type Scope, stringNamed } from './scope.ts'
import { anchoredStringPlan, entryStringPlan, stringPlan } from './strings.ts'
import { variableFalse, variableOperation, variableTrue } from './variables.ts'

/** Rounds of a loop that are planned one by one; a longer one is planned once with a variable that is not known. */
const MAX_ROUNDS = 32

const tooLarge = givenUp('the condition is too large to be planned')
const absence = may('what must be absent cannot be looked up')

/** What must hold for the expression to be true. */
export function demandOf(expression: Expression, scope: Scope): Plan {
  return scope.effort.spend(() => demand(expression, scope), tooLarge)
}

/** What must hold for the expression to be false or undefined. */
function demandOfNot(expression: Expression, scope: Scope): Plan {
  return scope.effort.spend(() => demandNot(expression, scope), tooLarge)
}

function demand(expression: Expression, scope: Scope): Plan {
  switch (expression.kind) {
    case 'boolean':
      return expression.value ? always : never('the condition is false')
    case 'integer':
      return expression.value === 0n ? never('0 is false') : always
    case 'stringMatch':
      return matchDemand(stringNamed(expression.identifier, scope), expression.anchor, scope)
    case 'and':
      return allOf(expression.operands.map((operand) => demandOf(operand, scope)))
    case 'or':
      return anyOf(expression.operands.map((operand) => demandOf(operand, scope)))
    case 'not':
      return allOf([demandOfNot(expression.operand, scope), definedWhenNegated(expression.operand, scope)])
    case 'defined':
      return definedIn(expression.operand, scope)
    case 'comparison':
      return comparisonDemand(expression, scope)
    case 'textOperation':
      return allOf([
        definedIn(expression.left, scope),
        definedIn(expression.right, scope),
        textOperationDemand(expression, scope),
        variableOperation(expression, scope, false),
      ])
    case 'identifier':
      return variableTrue(expression, scope) ?? identifierDemand(expression.name, scope)
    case 'stringCount':
    case 'stringOffset':
    case 'stringLength': {
      const string = stringNamed(expression.identifier, scope)
      return string === null ? always : stringPlan(string, scope.effort.budget)
    }
    case 'of':
      return ofDemand(expression, scope)
    case 'forOf':
      return forOfDemand(expression, scope)
    case 'forIn':
      return forInDemand(expression, scope)
    case 'with': {
      let inner = scope
      for (const { name, value } of expression.declarations) inner = binding(inner, name, { value, scope: inner })
      return demandOf(expression.body, inner)
    }
    case 'unknown':
      return givenUp('a part of the condition was not understood')
    case 'member':
    case 'index':
      return fieldTrue(expression, scope)
    case 'call':
      return allOf([fieldTrue(expression, scope), definedIn(expression, scope)])
    default:
      return allOf([definedIn(expression, scope), programTrue(expression, scope) ?? always])
  }
}

function demandNot(expression: Expression, scope: Scope): Plan {
  switch (expression.kind) {
    case 'boolean':
      return expression.value ? never('the condition is false') : always
    case 'and':
      return anyOf(expression.operands.map((operand) => demandOfNot(operand, scope)))
    case 'or':
      return allOf(expression.operands.map((operand) => demandOfNot(operand, scope)))
    case 'not':
      return isAlwaysDefined(expression.operand) ? demandOf(expression.operand, scope) : absence
    case 'comparison':
      return comparisonNotDemand(expression, scope)
    case 'textOperation':
      return allOf([variableOperation(expression, scope, true), absence])
    case 'of':
      // With an expression or offset that is undefined among them, `none of` is undefined too, and so not true.
      return expression.quantifier.kind === 'none' &&
        expression.set.kind !== 'expressions' &&
        expression.anchor === null
        ? ofDemand({ ...expression, quantifier: { kind: 'any' } }, scope)
        : absence
    case 'identifier': {
      const bound = scope.variables.get(expression.name)
      if (bound) return demandOfNot(bound.value, bound.scope)
      const empty = variableFalse(expression, scope)
      if (empty !== null) return empty
      const rule = bound === undefined ? scope.rules.get(expression.name) : null
      if (rule?.scope.rule.notUnderstood !== undefined) return absence
      return rule ? demandOfNot(rule.scope.rule.condition, { ...rule.scope, effort: scope.effort }) : absence
    }
    default:
      return programFalse(expression, scope) ?? absence
  }
}

/** What `not` demands of its operand besides: without a value, it is not true either. */
function definedWhenNegated(operand: Expression, scope: Scope): Plan {
  switch (operand.kind) {
    case 'comparison':
    case 'textOperation':
      return allOf([definedIn(operand.left, scope), definedIn(operand.right, scope)])
    case 'call':
    case 'member':
    case 'arithmetic':
      return definedIn(operand, scope)
    default:
      return always
  }
}

/** Expressions that are true or false for every sample, never undefined. An anchor's offset may be undefined. */
function isAlwaysDefined(expression: Expression): boolean {
  if (expression.kind === 'stringMatch') return expression.anchor === null
  return ['boolean', 'and', 'or', 'defined'].includes(expression.kind)
}

function identifierDemand(name: string, scope: Scope): Plan {
  const bound = scope.variables.get(name)
  if (bound) return demandOf(bound.value, bound.scope)
  if (bound === null) return always
  const rule = scope.rules.get(name)
  if (rule) {
    if ('parts' in rule.plan) scope.effort.charge(rule.plan.parts.length)
    return rule.plan
  }
  return rule === null ? always : may(`the variable ${name} is known only at scan time`)
}

function matchDemand(string: StringDefinition | null, anchor: Anchor | null, scope: Scope): Plan {
  if (string === null) return may('the string is not defined')
  if (anchor === null) return stringPlan(string, scope.effort.budget)
  if (anchor.kind === 'in') {
    const [from, to] = [constantOf(anchor.from, scope), constantOf(anchor.to, scope)]
    const { budget } = scope.effort
    const found = from === null || to === null ? stringPlan(string, budget) : stringPlanWithin(string, from, to, budget)
    return allOf([found, definedIn(anchor.from, scope), definedIn(anchor.to, scope)])
  }
  const { budget } = scope.effort
  const offset = constantOf(anchor.offset, scope)
  if (offset !== null && offset >= 0n) return anchoredStringPlan(string, Number(offset), budget)
  const behind = behindEntryPoint(anchor.offset, scope)
  const found = behind === null ? stringPlan(string, budget) : entryStringPlan(string, behind, budget)
  return allOf([found, definedIn(anchor.offset, scope)])
}

// ------------------------------------------------------------------------------------------------- quantified parts

/** At least so many of the parts as the quantifier asks for. `none` and everything unclear demand nothing. */
function quantified(quantifier: Quantifier, parts: readonly Plan[], distinct: number, scope: Scope): Plan {
  switch (quantifier.kind) {
    case 'none':
      return absence
    case 'any':
      return anyOf(parts)
    case 'all':
      return allOf(parts)
    case 'count': {
      const count = constantOf(quantifier.value, scope)
      if (count === null) return may('how many are needed is known only at scan time')
      return count <= 0n ? always : atLeast(Math.min(Number(count), parts.length), parts)
    }
    case 'percent': {
      const percent = constantOf(quantifier.value, scope)
      if (percent === null) return may('how many are needed is known only at scan time')
      // A string listed twice: whether it counts twice in the whole is not relied on.
      const count = Math.ceil((distinct * Number(percent)) / 100)
      return count <= 0 ? always : atLeast(Math.min(count, parts.length), parts)
    }
  }
}

function ofDemand({ quantifier, set, anchor }: OfExpression, scope: Scope): Plan {
  switch (set.kind) {
    case 'expressions':
      if (quantifier.kind === 'none') return allOf(set.items.map((item) => demandOfNot(item, scope)))
      return quantified(
        quantifier,
        set.items.map((item) => demandOf(item, scope)),
        set.items.length,
        scope,
      )
    case 'rules':
      return rulesDemand(quantifier, set.patterns, scope)
    default: {
      const strings = stringsOf(set, scope)
      const parts = strings.map((string) => matchDemand(string, anchor, scope))
      return quantified(quantifier, parts, new Set(strings).size, scope)
    }
  }
}

function rulesDemand(quantifier: Quantifier, patterns: readonly string[], scope: Scope): Plan {
  const names = patterns.flatMap((pattern) => {
    if (!pattern.endsWith('*')) return [pattern]
    scope.effort.charge(scope.rules.size)
    return [...scope.rules.keys()].filter((name) => name.startsWith(pattern.slice(0, -1)))
  })
  if (quantifier.kind === 'none') return absence
  const variable = names.find((name) => scope.variables.has(name))
  if (variable !== undefined) return may(`${variable} is a variable here`)
  const parts = names.map((name) => scope.rules.get(name)?.plan ?? may(`the rule ${name} is not known here`))
  return quantified(quantifier, parts, new Set(names).size, scope)
}

/** The strings of a set; null for one that was not found. */
function stringsOf(set: StringSet, scope: Scope): readonly (StringDefinition | null)[] {
  const { strings } = scope.rule
  scope.effort.charge(
    strings.length * (set.kind === 'them' ? 1 : set.patterns.filter((one) => one.endsWith('*')).length),
  )
  if (set.kind === 'them') return strings
  return set.patterns.flatMap((pattern) => {
    if (!pattern.endsWith('*')) return [stringNamed(pattern, { ...scope, current: null })]
    const named = strings.filter((string) => string.identifier.startsWith(pattern.slice(0, -1)))
    return named.length === 0 ? [null] : named
  })
}

function forOfDemand({ quantifier, set, body }: ForOf, scope: Scope): Plan {
  if (quantifier.kind === 'none') return absence
  const strings = stringsOf(set, scope)
  const parts = strings.map((current) => demandOf(body, { ...scope, current }))
  return quantified(quantifier, parts, new Set(strings).size, scope)
}

function forInDemand(loop: ForIn, scope: Scope): Plan {
  const { quantifier, variables, iterable, body } = loop
  if (quantifier.kind === 'none') return absence
  const rounds = roundsOf(loop, scope)
  if (rounds !== null) {
    const variable = variables[0]
    const parts = rounds.map((value) =>
      demandOf(body, variable === undefined ? scope : binding(scope, variable, value)),
    )
    // Of no round at all the engine says what it is.
    return parts.length === 0 ? always : quantified(quantifier, parts, parts.length, scope)
  }
  if (!needsARound(quantifier, iterable, scope)) return may('the loop may have no rounds')
  let inner = scope
  for (const variable of variables) inner = binding(inner, variable, null)
  const parts = [demandOf(body, bindingItems(loop, inner, scope))]
  if (iterable.kind === 'range') {
    parts.push(definedIn(iterable.from, scope), definedIn(iterable.to, scope), roundDemand(iterable, scope))
  }
  if (iterable.kind === 'expression') parts.push(definedIn(iterable.value, scope))
  return allOf(parts)
}

/** The values of a loop with one variable, when they are known and few. */
function roundsOf({ variables, iterable }: ForIn, scope: Scope): readonly Binding[] | null {
  if (variables.length !== 1) return null
  if (iterable.kind === 'list') {
    return iterable.items.length <= MAX_ROUNDS ? iterable.items.map((value) => ({ value, scope })) : null
  }
  const bounds = constantRange(iterable, scope)
  if (bounds === null || bounds.to - bounds.from >= BigInt(MAX_ROUNDS)) return null
  const rounds: Binding[] = []
  for (let value = bounds.from; value <= bounds.to; value++) {
    rounds.push({ value: { kind: 'integer', value, span: { from: 0, to: 0 } }, scope })
  }
  return rounds
}

function constantRange(iterable: ForIn['iterable'], scope: Scope): { from: bigint; to: bigint } | null {
  if (iterable.kind !== 'range') return null
  const from = constantOf(iterable.from, scope)
  const to = constantOf(iterable.to, scope)
  return from === null || to === null ? null : { from, to }
}

/** Whether a loop that is true has had a round in which its body was true. */
function needsARound(quantifier: Quantifier, iterable: ForIn['iterable'], scope: Scope): boolean {
  switch (quantifier.kind) {
    case 'any':
      return true
    case 'count': {
      const count = constantOf(quantifier.value, scope)
      return count !== null && count > 0n
    }
    case 'all':
      // Of no rounds at all, the engine says that not all were true.
      return iterable.kind !== 'list' || iterable.items.length > 0
    default:
      return false
  }
}

/** That a range has a number in it: `0..pe.number_of_resources - 1` demands that there are at least 1. */
function roundDemand({ from, to }: Extract<ForIn['iterable'], { readonly kind: 'range' }>, scope: Scope): Plan {
  const first = constantOf(from, scope)
  const less = to.kind === 'arithmetic' ? (to.operator === '-' ? constantOf(to.right, scope) : null) : 0n
  const left = to.kind === 'arithmetic' ? to.left : to
  // Integers wrap around at 64 bits: nothing that could be near it is looked at.
  const isSmall = [first, less].every((value) => value !== null && value >= 0n && value < 2n ** 31n)
  if (!isSmall || left.kind === 'arithmetic' || constantOf(left, scope) !== null) return always
  const right: Expression = { kind: 'integer', value: (first ?? 0n) + (less ?? 0n), span: from.span }
  return comparisonDemand({ kind: 'comparison', operator: '>=', left, right, span: to.span }, scope)
}

/** `for any s in pe.sections`: `s` is one of `pe.sections[…]`, so that what is known of its fields is used. */
function bindingItems({ variables, iterable }: ForIn, inner: Scope, scope: Scope): Scope {
  const item = variables.at(-1)
  if (iterable.kind !== 'expression' || item === undefined) return inner
  const { value } = iterable
  const index: Expression = { kind: 'unknown', span: value.span }
  return binding(inner, item, { value: { kind: 'index', object: value, index, span: value.span }, scope })
}
