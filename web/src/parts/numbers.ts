/** How numbers, sizes and times read, everywhere alike. */

const counts = new Intl.NumberFormat('en-GB')
const compact = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 3 })

/** `12,345`. */
export const count = (value: number): string => counts.format(value)

/** `1 sample`, `2 samples`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

const units = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

/** `734 bytes`, `1.2 MB`; powers of 1,024, as YARA counts them. */
export function bytes(value: number): string {
  const step = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10))
  return `${compact.format(value / 1024 ** step)} ${units[step]}`
}

/** `0.4 %`, `< 0.1 %`, `37 %`, `> 99.9 %`: nothing that is not all reads as all. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = (100 * part) / whole
  if (percent > 0 && percent < 0.1) return '< 0.1 %'
  if (percent > 99.9 && percent < 100) return '> 99.9 %'
  if (percent > 99 && percent < 100) return `${Math.floor(percent * 10) / 10} %`
  return `${percent < 10 && percent > 0 ? percent.toFixed(1).replace(/\.0$/, '') : Math.round(percent)} %`
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${Math.max(0.1, seconds).toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
