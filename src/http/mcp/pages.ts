/** How the results of tools are paged, where a service gives everything at once. */
import { Type } from 'typebox'

export const limit = (usual: number, most: number) => Type.Integer({ minimum: 1, maximum: most, default: usual })

export const after = (what: string) =>
  Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 0,
    description: `how many ${what} to pass over: the \`next_after\` of the page before`,
  })

export const next = (what: string) =>
  Type.Union([Type.Integer(), Type.Null()], { description: `\`after\` of the next page of ${what}; null on the last` })

interface Page<T> {
  readonly count: number
  readonly next_after: number | null
  readonly results: T[]
}

export function page<T>(all: readonly T[], after: number, limit: number): Page<T> {
  const end = after + limit
  return { count: all.length, next_after: end < all.length ? end : null, results: all.slice(after, end) }
}
