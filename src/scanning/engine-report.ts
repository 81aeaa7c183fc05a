import type { Diagnostic, Span } from '../yara/index.ts'
import { adviceFor } from './engine-advice.ts'

/**
 * Reads one of the engine's rendered reports:
 *
 *     error[E009]: unknown identifier `foo`
 *      --> line:1:21
 *       |
 *     1 | rule a { condition: foo and bar }
 *       |                     ^^^ this identifier has not been declared
 *
 * The binding's own fields for line and column are never filled. What lies under the first row of carets (dashes, in
 * warnings) is the span. The message is the title with every label, note and help of the report, and with our own advice
 * where the engine gives none. A report without a position is put at the start of the text.
 */
export function readReport(severity: Diagnostic['severity'], code: string, report: string, text: string): Diagnostic {
  const title = report.slice(0, lineEnd(report, 0)).replace(/^(error|warning)\[\w+\]: /, '')
  const position = /--> line:(\d+):(\d+)/.exec(report)
  const line = Number(position?.[1] ?? 1)
  const column = Number(position?.[2] ?? 1)
  const carets = /^\s*\|[ |]*(\^+|-+)(?: |$)/m.exec(report)
  const message = shortened(messageOf(title, report))
  const advice = /^help: /m.test(report) ? null : adviceFor(code, message)
  return {
    severity,
    code: code === 'E044' ? 'include-refused' : code,
    message: advice === null ? message : `${message}; ${advice}`,
    line,
    column,
    span: spanAt(text, line, column, carets?.[1]?.length ?? 1),
  }
}

/** A title, and what stands under the rows of the text: `| ^^^^ label`, `= note: …` and `help: …`. */
function messageOf(title: string, report: string): string {
  const labels: string[] = []
  const notes: string[] = []
  let isInNote = false
  for (const row of report.slice(0, LONGEST_REPORT).split('\n')) {
    // Of a long row of carets only both ends are there, with dots between them.
    const label = /^\s*\| [ |^.-]*?([^\s|^.-].*)$/.exec(row)?.[1]
    const note = /^\s*= note: (.+)$/.exec(row)?.[1] ?? /^help: (.+)$/.exec(row)?.[1]
    const more: string | undefined = isInNote ? /^\s{6,}([^\s|=].*)$/.exec(row)?.[1] : undefined
    isInNote = note !== undefined || more !== undefined || (isInNote && row.trim() === '')
    if (note !== undefined) notes.push(note.trim())
    else if (more !== undefined) notes.push(`${notes.pop() ?? ''} ${more.trim()}`)
    // Rows with a suggested text have a line's number, or a sign, before the bar.
    else if (label !== undefined && notes.length === 0) labels.push(label.trim())
  }
  const label = [...new Set(labels)].join(', ')
  return [label === '' ? title : `${title}: ${label}`, ...notes].join('; ')
}

/** Of a message. */
const LONGEST_MESSAGE = 2_000

/** Names in a text may have a million characters; lists and logs carry its messages. */
function shortened(message: string): string {
  const quotesCut = message.replace(/`([^`]{200})[^`]+`/g, '`$1 …`')
  return quotesCut.length > LONGEST_MESSAGE ? `${quotesCut.slice(0, LONGEST_MESSAGE)} …` : quotesCut
}

/** Reports quote lines of the text, which may be long. */
const LONGEST_REPORT = 100_000

/** The UTF-16 range of `length` characters from a line and column that count from 1 in characters. */
export function spanAt(text: string, line: number, column: number, length: number): Span {
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
