/** How figures are told. */

export function medianOf(values: readonly number[]): number {
  return percentile(values, 0.5)
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
export const seconds = (value: number) => (value < 1 ? milliseconds(value) : `${value.toFixed(1)} s`)
export const milliseconds = (value: number) => `${(value * 1000).toFixed(0)} ms`
export const percent = (share: number) => `${(share * 100).toFixed(2)} %`
export const ratio = (value: number) => value.toFixed(2)

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('')
}
