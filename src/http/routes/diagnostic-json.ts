import type { Static } from 'typebox'
import type { Diagnostic, LeftOut } from '../../yara/index.ts'
import type { Diagnosed, LeftOutShape } from '../contract/rulesets.ts'

export function diagnosticJson({ severity, code, message, line, column }: Diagnostic): Static<typeof Diagnosed> {
  return { severity, code, message, line, column }
}

export function leftOutJson({ kind, name, line, column, reason }: LeftOut): Static<typeof LeftOutShape> {
  return { kind, name, line, column, reason }
}
