/** What is typed into the form of retention, before it is what the server understands. */
import type { Retention, RetentionChange } from '../../api/retention.ts'

export interface Draft {
  readonly rules: readonly { readonly id: number; readonly days: string; readonly query: string }[]
  /** A size such as `500 GB`; empty for none. */
  readonly most: string
  readonly keep: string
  readonly keepMatched: boolean
}

const units = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 } as const

export function draftOf({ rules, max_bytes, keep, keep_matched }: Retention): Draft {
  return {
    rules: rules.map(({ days, query }, id) => ({ id, days: String(days), query })),
    most: max_bytes === null ? '' : formatSize(max_bytes),
    keep,
    keepMatched: keep_matched,
  }
}

/** What is wrong with it; null for nothing. */
export function problemsOf({ rules, most }: Draft): { readonly rules?: string; readonly most?: string } | null {
  const problems = {
    ...(rules.some(({ days }) => !/^[1-9]\d{0,4}$/.test(days)) && { rules: 'A whole number of days, from 1 on.' }),
    ...(most.trim() !== '' && readSize(most) === null && { most: 'A size such as 500 GB or 1.5 TB.' }),
  }
  return Object.keys(problems).length === 0 ? null : problems
}

export function requestOf({ rules, most, keep, keepMatched }: Draft): RetentionChange {
  return {
    rules: rules.map(({ days, query }) => ({ days: Number(days), query: query.trim() })),
    max_bytes: readSize(most),
    keep: keep.trim(),
    keep_matched: keepMatched,
  }
}

function readSize(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)$/i.exec(text.trim()) ?? []
  if (number === undefined || unit === undefined) return null
  const size = Math.round(Number(number) * units[unit.toUpperCase() as keyof typeof units])
  return size > 0 ? size : null
}

/** Exactly, so that saving what is shown changes nothing. */
function formatSize(value: number): string {
  const [unit, factor] = Object.entries(units).findLast(([, factor]) => value % factor === 0) ?? ['B', 1]
  return `${value / factor} ${unit}`
}
