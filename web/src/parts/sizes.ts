/** Sizes as people type them. */

const units = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 } as const

/** `500 GB` in bytes; null for what is no size. */
export function readSize(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)$/i.exec(text.trim()) ?? []
  if (number === undefined || unit === undefined) return null
  const size = Math.round(Number(number) * units[unit.toUpperCase() as keyof typeof units])
  return size > 0 ? size : null
}

/** Exactly, so that saving what is shown changes nothing. */
export function formatSize(value: number): string {
  const [unit, factor] = Object.entries(units).findLast(([, factor]) => value % factor === 0) ?? ['B', 1]
  return `${value / factor} ${unit}`
}
