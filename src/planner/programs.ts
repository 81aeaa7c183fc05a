/**
 * What rules ask of a Windows program's header, as facts: the index has the engine's answers (its program.ts).
 *
 *     pe.number_of_sections < 5          a number within a range
 *     pe.characteristics & pe.DLL        a number under a mask
 *     not pe.is_dll()                    0, or no value: the contrary of an exact fact is one as well
 *     pe.imphash() == "…"                the hash of a text: only equal ones are told apart
 *     $a at pe.entry_point               the bytes there, as far as they are kept
 *
 * A comparison with a field that has no value is not true, and so is its contrary, which is why the contrary of each
 * holds for a field without a value too. `test/planner/programs.test.ts` holds all of it against the engine.
 */

import { type ProgramField, programFields } from '../index/index.ts'
import type { Comparison, Expression } from '../yara/index.ts'
import { anyOf, factPlan } from './algebra.ts'
import { constantOf } from './constants.ts'
import { fieldOf, textOf } from './fields.ts'
import type { Plan } from './plan.ts'
import { opposite, rangesOf } from './ranges.ts'
import { resolved, type Scope } from './scope.ts'

type Operator = Comparison['operator']

const HIGHEST = 2 ** 32 - 1

const known: ReadonlySet<string> = new Set(programFields)
const hashed: ReadonlySet<ProgramField> = new Set(['imphash()', 'rich_signature.clear_data'])

/** A number of the header, under a mask where one is written. */
interface Numbered {
  readonly field: ProgramField
  readonly mask: number
}

/** What must hold for a comparison of a field (on the left) to be true; null when there is nothing to say. */
export function programComparison(operator: Operator, left: Expression, right: Expression, scope: Scope): Plan | null {
  return comparisonPlan(operator, left, right, scope, false) ?? textComparison(operator, left, right, scope)
}

/** The same for a comparison that is not true: its contrary, or a field without a value. */
export function programNotComparison(
  operator: Operator,
  left: Expression,
  right: Expression,
  scope: Scope,
): Plan | null {
  return comparisonPlan(opposite[operator], left, right, scope, true)
}

/** What must hold for the expression to be true, standing as a condition of its own: a number other than 0. */
export function programTrue(expression: Expression, scope: Scope): Plan | null {
  const number = numberedOf(expression, scope)
  return number === null ? null : numberPlan(number, 1, HIGHEST, false)
}

export function programFalse(expression: Expression, scope: Scope): Plan | null {
  const number = numberedOf(expression, scope)
  return number === null ? null : numberPlan(number, 0, 0, true)
}

function comparisonPlan(
  operator: Operator,
  left: Expression,
  right: Expression,
  scope: Scope,
  orUndefined: boolean,
): Plan | null {
  const number = numberedOf(left, scope)
  const constant = number === null ? null : numberOf(right, scope)
  // The engine may refuse, or take for something else, what compares yes and no with numbers.
  if (number === null || constant === null || number.field.startsWith('is_')) return null
  const ranges = rangesOf(operator, constant, 0, HIGHEST)
  const plans = ranges.map(({ min, max }) => numberPlan(number, min, max, orUndefined))
  // No number of 32 bits compares so: then what has none may, or a field that the index does not know.
  return anyOf(plans.length === 0 ? [numberPlan(number, 1, 0, orUndefined)] : plans)
}

function numberPlan({ field, mask }: Numbered, min: number, max: number, orUndefined: boolean): Plan {
  return factPlan({ kind: 'program', field, mask, min, max, orUndefined })
}

function numberedOf(expression: Expression, scope: Scope): Numbered | null {
  const subject = resolved(expression, scope)
  if (subject.expression.kind === 'arithmetic' && subject.expression.operator === '&') {
    const { left, right } = subject.expression
    for (const [side, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const field = numberField(side, subject.scope)
      const mask = field === null ? null : numberOf(other, subject.scope)
      if (field !== null && mask !== null && mask >= 0n && mask <= BigInt(HIGHEST)) return { field, mask: Number(mask) }
    }
    return null
  }
  const field = numberField(expression, scope)
  return field === null ? null : { field, mask: HIGHEST }
}

function numberField(expression: Expression, scope: Scope): ProgramField | null {
  const field = fieldOf(expression, scope)
  if (field?.module !== 'pe' || !known.has(field.path)) return null
  return hashed.has(field.path as ProgramField) ? null : (field.path as ProgramField)
}

/** `pe.imphash() == "…"`, `hash.md5(pe.rich_signature.clear_data) == "…"`. */
function textComparison(operator: Operator, left: Expression, right: Expression, scope: Scope): Plan | null {
  const text = operator === '==' ? textOf(right, scope) : null
  const field = text === null ? null : textField(left, scope)
  if (text === null || field === null) return null
  // The engine prints small letters.
  return factPlan({ kind: 'programText', field, texts: [text.toLowerCase()] })
}

function textField(expression: Expression, scope: Scope): ProgramField | null {
  const field = fieldOf(expression, scope)
  if (field?.module === 'pe' && field.path === 'imphash()') return 'imphash()'
  const call = resolved(expression, scope)
  if (field?.module !== 'hash' || field.path !== 'md5()' || call.expression.kind !== 'call') return null
  const [argument, ...others] = call.expression.args
  const inner = argument === undefined || others.length > 0 ? null : fieldOf(argument, call.scope)
  return inner?.module === 'pe' && inner.path === 'rich_signature.clear_data' ? 'rich_signature.clear_data' : null
}

/** How far behind the entry point of a program an offset is, where it is written as that and a constant. */
export function behindEntryPoint(expression: Expression, scope: Scope): number | null {
  const subject = resolved(expression, scope)
  if (numberField(expression, scope) === 'entry_point') return 0
  if (subject.expression.kind !== 'arithmetic' || subject.expression.operator !== '+') return null
  const { left, right } = subject.expression
  const [base, rest] = numberField(left, subject.scope) === 'entry_point' ? [left, right] : [right, left]
  if (numberField(base, subject.scope) !== 'entry_point') return null
  const behind = constantOf(rest, subject.scope)
  return behind === null || behind < 0n || behind > 1_000n ? null : Number(behind)
}

/** Constants of the module: numbers for every sample. */
const constants: Readonly<Record<string, number>> = {
  MACHINE_UNKNOWN: 0,
  MACHINE_I386: 0x14c,
  MACHINE_AMD64: 0x8664,
  MACHINE_ARM: 0x1c0,
  MACHINE_ARM64: 0xaa64,
  MACHINE_ARMNT: 0x1c4,
  MACHINE_IA64: 0x200,
  SUBSYSTEM_UNKNOWN: 0,
  SUBSYSTEM_NATIVE: 1,
  SUBSYSTEM_WINDOWS_GUI: 2,
  SUBSYSTEM_WINDOWS_CUI: 3,
  SUBSYSTEM_EFI_APPLICATION: 10,
  RELOCS_STRIPPED: 0x1,
  EXECUTABLE_IMAGE: 0x2,
  LARGE_ADDRESS_AWARE: 0x20,
  MACHINE_32BIT: 0x100,
  DEBUG_STRIPPED: 0x200,
  SYSTEM: 0x1000,
  DLL: 0x2000,
  DYNAMIC_BASE: 0x40,
  NX_COMPAT: 0x100,
}

/** The value of a constant expression; only such as stand in tests against the engine are known by name. */
function numberOf(expression: Expression, scope: Scope): bigint | null {
  const constant = constantOf(expression, scope)
  if (constant !== null) return constant
  const field = fieldOf(expression, scope)
  const value = field?.module === 'pe' ? constants[field.path] : undefined
  return value === undefined ? null : BigInt(value)
}

/** The names, for the test that asks the engine for them. */
export const programConstants = constants
