/** A line of RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvLine(values: readonly (string | number | boolean | readonly string[] | null)[]): string {
  return `${values.map(csvField).join(',')}\r\n`
}

/**
 * What spreadsheets take for a formula: one of its signs, also in full width, behind any number of characters that they
 * skip: blanks, tabs, ends of lines, other control characters, and those that cannot be seen.
 */
const FORMULA = /^[\s\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}"']*[=+\-@|%＝＋－＠﹦﹢﹣﹫−]|^[\t\r\n]/u

function csvField(value: string | number | boolean | readonly string[] | null): string {
  const text = typeof value === 'object' ? (value ?? []).join(' ') : String(value)
  const harmless = typeof value !== 'number' && FORMULA.test(text) ? `'${text}` : text
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
