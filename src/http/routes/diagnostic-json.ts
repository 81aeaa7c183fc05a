import { type Static, Type } from 'typebox'
import type { Diagnostic, LeftOut } from '../../yara/index.ts'

/** A problem in a YARA text as answers have it. */
export const Diagnosed = Type.Object({
  severity: Type.Enum(['error', 'warning']),
  code: Type.String(),
  message: Type.String(),
  line: Type.Integer({ description: 'from 1' }),
  column: Type.Integer({ description: 'from 1, in characters' }),
})

export function diagnosticJson({ severity, code, message, line, column }: Diagnostic): Static<typeof Diagnosed> {
  return { severity, code, message, line, column }
}

/** What does not run although the rest of its text does. */
export const LeftOutShape = Type.Object({
  kind: Type.Enum(['rule', 'import', 'include', 'text'], { description: 'text: nothing of it runs' }),
  name: Type.String(),
  line: Type.Integer({ description: 'from 1, of what is wrong in it' }),
  column: Type.Integer({ description: 'from 1, in characters' }),
  reason: Type.String(),
})

export function leftOutJson({ kind, name, line, column, reason }: LeftOut): Static<typeof LeftOutShape> {
  return { kind, name, line, column, reason }
}
