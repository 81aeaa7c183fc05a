import { type Static, Type } from 'typebox'
import type { Diagnostic } from '../../yara/index.ts'

/** A problem in a YARA text as answers tell it. */
export const Diagnosed = Type.Object({
  severity: Type.Enum(['error', 'warning']),
  code: Type.String(),
  message: Type.String(),
  line: Type.Integer({ description: 'from 1' }),
  column: Type.Integer({ description: 'from 1, in characters' }),
})

export function toldDiagnostic({ severity, code, message, line, column }: Diagnostic): Static<typeof Diagnosed> {
  return { severity, code, message, line, column }
}
