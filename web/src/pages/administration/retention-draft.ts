/** What is typed into the form of retention, before it is what the server understands. */
import type { Retention, RetentionChange } from '../../api/retention.ts'
import { formatSize, readSize } from '../../parts/sizes.ts'

export interface Draft {
  readonly rules: readonly { readonly id: number; readonly days: string; readonly query: string }[]
  /** A size such as `500 GB`; empty for none. */
  readonly most: string
  readonly keep: string
  readonly keepMatched: boolean
}

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
