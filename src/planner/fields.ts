import type { Expression } from '../yara/index.ts'
import { resolved, type Scope } from './scope.ts'

/** A module's field as written, without the values of indexes and arguments: `signatures[].serial`, `imports()`. */
export interface Field {
  readonly module: string
  readonly path: string
}

export function fieldOf(expression: Expression, scope: Scope): Field | null {
  return scope.effort.spend(() => readField(expression, scope), null)
}

function readField(expression: Expression, scope: Scope): Field | null {
  const subject = resolved(expression, scope)
  switch (subject.expression.kind) {
    case 'identifier':
      // A variable whose value is not known, or was not followed to its end, hides the module of its name.
      return subject.scope.rules.has(subject.expression.name) || subject.scope.variables.has(subject.expression.name)
        ? null
        : { module: subject.expression.name, path: '' }
    case 'member': {
      const field = fieldOf(subject.expression.object, subject.scope)
      if (field === null) return null
      const { name } = subject.expression
      return { module: field.module, path: field.path === '' ? name : `${field.path}.${name}` }
    }
    case 'index': {
      const field = fieldOf(subject.expression.object, subject.scope)
      return field === null ? null : { module: field.module, path: `${field.path}[]` }
    }
    case 'call': {
      const field = fieldOf(subject.expression.callee, subject.scope)
      return field === null ? null : { module: field.module, path: `${field.path}()` }
    }
    default:
      return null
  }
}

/** The bytes of a text, a character each; null for what is none. */
export function textOf(expression: Expression, scope: Scope): string | null {
  const subject = resolved(expression, scope).expression
  return subject.kind === 'textLiteral' ? Buffer.from(subject.bytes).toString('latin1') : null
}
