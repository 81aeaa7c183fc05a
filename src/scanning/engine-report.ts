import type { Diagnostic, Span } from '../yara/index.ts'

/**
 * Reads one of the engine's rendered reports:
 *
 *     error[E009]: unknown identifier `foo`
 *      --> line:1:21
 *       |
 *     1 | rule a { condition: foo and bar }
 *       |                     ^^^ this identifier has not been declared
 *
 * The binding's own fields for line and column are never filled. What lies under the first row of carets is the span;
 * the sentence beside them is added to the message. A report without a position is put at the start of the text.
 */
export function readReport(severity: Diagnostic['severity'], code: string, report: string, text: string): Diagnostic {
  const title = report.slice(0, lineEnd(report, 0)).replace(/^(error|warning)\[\w+\]: /, '')
  const position = /--> line:(\d+):(\d+)/.exec(report)
  const line = Number(position?.[1] ?? 1)
  const column = Number(position?.[2] ?? 1)
  const carets = /^\s*\|[ |]*(\^+)(?: ([^\n]*))?$/m.exec(report)
  const label = carets?.[2]?.trim()
  return {
    severity,
    code: code === 'E044' ? 'include-refused' : code,
    message: label === undefined || label === '' ? title : `${title}: ${label}`,
    line,
    column,
    span: spanAt(text, line, column, carets?.[1]?.length ?? 1),
  }
}

/** The UTF-16 range of `length` characters from a line and column that count from 1 in characters. */
function spanAt(text: string, line: number, column: number, length: number): Span {
  let start = 0
  for (let n = 1; n < line; n++) start = Math.min(lineEnd(text, start) + 1, text.length)
  const row = text.slice(start, lineEnd(text, start))
  const from = start + unitsOf(row, column - 1)
  return { from, to: Math.min(start + unitsOf(row, column - 1 + length), text.length) }
}

/** How many UTF-16 units the first `count` characters of a row take. */
function unitsOf(row: string, count: number): number {
  let units = 0
  let seen = 0
  for (const character of row) {
    if (seen++ === count) break
    units += character.length
  }
  return units
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
