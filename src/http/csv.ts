/** A line of RFC 4180; a value that a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvLine(values: readonly (string | number | boolean | readonly string[] | null)[]): string {
  return `${values.map(csvField).join(',')}\r\n`
}

function csvField(value: string | number | boolean | readonly string[] | null): string {
  const text = typeof value === 'object' ? (value ?? []).join(' ') : String(value)
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
