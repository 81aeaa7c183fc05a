const units = ['bytes', 'KB', 'MB', 'GB', 'TB']

/** `1.4 GB`, for sentences; units of 1,024, as everywhere in Backtrail. */
export function bytesInWords(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${bytes} bytes` : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}
