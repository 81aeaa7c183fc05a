/** What is typed into the form of a quota, before it is what the server understands. */
import type { Limits, Quota } from '../../api/quotas.ts'
import { formatSize, readSize } from '../../parts/sizes.ts'

/** Empty texts are no limits. */
export type Draft = Readonly<Record<Limit, string>>
export type Limit = 'day_samples' | 'day_bytes' | 'total_samples' | 'total_bytes'

export const limits: readonly { readonly id: Limit; readonly title: string; readonly isSize: boolean }[] = [
  { id: 'day_samples', title: 'Samples in a day', isSize: false },
  { id: 'day_bytes', title: 'Bytes in a day', isSize: true },
  { id: 'total_samples', title: 'Samples stored', isSize: false },
  { id: 'total_bytes', title: 'Bytes stored', isSize: true },
]

export function draftOf(quota: Pick<Quota, Limit>): Draft {
  const text = ({ id, isSize }: (typeof limits)[number]): string => {
    const value = quota[id]
    if (value === null) return ''
    return isSize ? formatSize(value) : String(value)
  }
  return Object.fromEntries(limits.map((limit) => [limit.id, text(limit)])) as Draft
}

/** What is wrong with one of them; undefined for nothing. */
export function problemOf(draft: Draft, { id, isSize }: (typeof limits)[number]): string | undefined {
  const text = draft[id].trim()
  if (text === '' || limitOf(text, isSize) !== null) return undefined
  return isSize ? 'A size such as 50 GB or 1.5 TB.' : 'A whole number, from 1 on.'
}

export function requestOf(draft: Draft): Limits {
  return Object.fromEntries(limits.map(({ id, isSize }) => [id, limitOf(draft[id].trim(), isSize)]))
}

function limitOf(text: string, isSize: boolean): number | null {
  if (isSize) return readSize(text)
  const number = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(number) ? number : null
}
