const units = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 } as const

/** Bytes of a text such as `500GB`; null for one that is none, or nothing. */
export function readSize(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)$/i.exec(text.trim()) ?? []
  if (number === undefined || unit === undefined) return null
  const size = Math.round(Number(number) * units[unit.toUpperCase() as keyof typeof units])
  return size >= 1 ? size : null
}
