/**
 * External variables: what a sample is called, where it lay, and of what type it is. They always have a value, so a
 * comparison of one with a text is an exact fact, and so is its contrary.
 *
 *     extension == ".php"                extension == ".php"
 *     not filename contains "lib"        filename without "lib"
 *     filename matches /\.(php|jsp)$/i   filename with ".php" or ".jsp", whatever the case
 *     filename > "a"                     nothing: left to the engine
 *
 * A content may have several names, and rules are run under each. So a fact holds for a sample when it holds for one of
 * its names, its contrary when it does not hold for one of them, and `filename == "a" and owner == "b"` passes where one
 * name is "a" and another one's owner is "b": more than the engine finds, and never less.
 */
import type { Comparison, Expression, TextOperation } from '../yara/index.ts'
import { allOf, always, anyOf, factPlan } from './algebra.ts'
import { textOf } from './fields.ts'
import type { Plan, TextRelation, VariableName } from './plan.ts'
import { foldedText, type LiteralDemand, literalsOfRegexp } from './required-literals.ts'
import { resolved, type Scope } from './scope.ts'

const names: ReadonlySet<string> = new Set<VariableName>(['filename', 'filepath', 'extension', 'filetype', 'owner'])

/** Variables of one name or of one time that a content was seen; all are texts. */
export type SampleVariables = Readonly<Record<VariableName, string>>

/** The variable that an expression stands for; null for everything else. */
function variableOf(expression: Expression, scope: Scope): VariableName | null {
  const subject = resolved(expression, scope)
  if (subject.expression.kind !== 'identifier') return null
  const { name } = subject.expression
  const isHidden = subject.scope.rules.has(name) || subject.scope.variables.has(name)
  return !isHidden && names.has(name) ? (name as VariableName) : null
}

/** Whether the name, as a condition of its own, is a variable; a text is true when it is not empty. */
export function variableTrue(expression: Expression, scope: Scope): Plan | null {
  const variable = variableOf(expression, scope)
  return variable === null ? null : variablePlan(variable, 'equals', '', true)
}

export function variableFalse(expression: Expression, scope: Scope): Plan | null {
  const variable = variableOf(expression, scope)
  return variable === null ? null : variablePlan(variable, 'equals', '', false)
}

/** What must hold for a comparison of a variable (on the left) with a text to be true; null when nothing is known. */
export function variableComparison(
  operator: Comparison['operator'],
  left: Expression,
  right: Expression,
  scope: Scope,
): Plan | null {
  if (operator !== '==' && operator !== '!=') return null
  const variable = variableOf(left, scope)
  const text = variable === null ? null : textOf(right, scope)
  return variable === null || text === null ? null : variablePlan(variable, 'equals', text, operator === '!=')
}

const relations: Readonly<Record<Exclude<TextOperation['operator'], 'matches'>, [TextRelation, ignoresCase: boolean]>> =
  {
    contains: ['contains', false],
    icontains: ['contains', true],
    startswith: ['startswith', false],
    istartswith: ['startswith', true],
    endswith: ['endswith', false],
    iendswith: ['endswith', true],
    iequals: ['equals', true],
  }

/** What must hold for an operation on a variable to be true, or, where `isFalse`, to be false. */
export function variableOperation({ operator, left, right }: TextOperation, scope: Scope, isFalse: boolean): Plan {
  const variable = variableOf(left, scope)
  if (variable === null) return always
  if (operator === 'matches') {
    const pattern = resolved(right, scope).expression
    if (isFalse || pattern.kind !== 'regexpLiteral') return always
    return literalsPlan(variable, literalsOfRegexp(pattern.regexp.node))
  }
  const text = textOf(right, scope)
  if (text === null) return always
  const [relation, ignoresCase] = relations[operator]
  return variablePlan(variable, relation, text, isFalse, ignoresCase)
}

/** What every match of a regular expression has in it. */
function literalsPlan(variable: VariableName, demand: LiteralDemand): Plan {
  switch (demand.kind) {
    case 'nothing':
      return always
    case 'and':
      return allOf(demand.parts.map((part) => literalsPlan(variable, part)))
    case 'or':
      return anyOf(demand.parts.map((part) => literalsPlan(variable, part)))
    case 'oneOf':
      return anyOf(demand.literals.map((literal) => variablePlan(variable, 'contains', literal, false, true)))
  }
}

function variablePlan(
  variable: VariableName,
  relation: TextRelation,
  text: string,
  isNegated: boolean,
  ignoresCase = false,
): Plan {
  // The engine may know more cases than those of ASCII.
  if (ignoresCase && !isAscii(text)) return always
  const value = ignoresCase ? foldedText(Buffer.from(text, 'latin1')) : text
  return factPlan({ kind: 'variable', variable, relation, ignoresCase, isNegated, values: [value] })
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

const asking = new WeakMap<Plan, boolean>()

/** Whether a fact about a variable is among the parts of the plan. */
export function asksForVariables(plan: Plan): boolean {
  if (plan.kind === 'fact') return plan.fact.kind === 'variable'
  if (!('parts' in plan)) return false
  let asks = asking.get(plan)
  if (asks === undefined) {
    asks = plan.parts.some(asksForVariables)
    asking.set(plan, asks)
  }
  return asks
}

type VariableFact = Extract<Parameters<typeof factPlan>[0], { readonly kind: 'variable' }>

/** Whether the fact holds for a value of its variable, or cannot be decided. */
export function variableMayHold({ relation, ignoresCase, isNegated, values }: VariableFact, value: string): boolean {
  const ascii = isAscii(value)
  // What the engine's binding makes of such texts is its own affair.
  if (value.includes('\0') || (!ascii && (ignoresCase || !value.isWellFormed()))) return true
  let bytes = ascii ? value : Buffer.from(value).toString('latin1')
  if (ignoresCase) bytes = foldedText(Buffer.from(bytes, 'latin1'))
  return values.some((wanted) => holds[relation](bytes, wanted)) !== isNegated
}

const holds: Readonly<Record<TextRelation, (value: string, wanted: string) => boolean>> = {
  equals: (value, wanted) => value === wanted,
  contains: (value, wanted) => value.includes(wanted),
  startswith: (value, wanted) => value.startsWith(wanted),
  endswith: (value, wanted) => value.endsWith(wanted),
}
