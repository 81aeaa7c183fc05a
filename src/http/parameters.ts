/** Parameters that several endpoints share: how they are written on the wire, and how they are read. */
import { type Static, Type } from 'typebox'
import { Failure } from '../errors/index.ts'

/** `true`, `True`, `1`, `false`, `False`, `0`; empty counts as absent, as clients leave out what is false. */
export const Flag = Type.String({
  pattern: '^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|1|0|)$',
  description: 'true or false in any case, or 1 or 0',
})

export function isSet(flag: string | undefined): boolean {
  return flag === '1' || flag?.toLowerCase() === 'true'
}

const PositiveInteger = Type.String({ pattern: '^0*[1-9][0-9]{0,8}$', description: 'a whole number from 1' })

/** Both or neither; without them everything is answered at once. */
export const Paging = {
  page: Type.Optional(PositiveInteger),
  page_size: Type.Optional(PositiveInteger),
}

export interface PageRequest {
  /** From 1. */
  readonly number: number
  readonly size: number
}

/** Null when the request asks for everything at once. Fails when one of the two comes without the other. */
export function pageOf(query: { readonly page?: string; readonly page_size?: string }): PageRequest | null {
  if (query.page === undefined && query.page_size === undefined) return null
  if (query.page === undefined || query.page_size === undefined) {
    throw new Failure(
      'parameter.out-of-range',
      'Parameter not in expected range: page and page_size can only be used together.',
    )
  }
  return { number: Number(query.page), size: Number(query.page_size) }
}

/** `name` as bodies and queries carry it; what makes a name legal is the business of src/rulesets. */
export const RulesetName = Type.String({ minLength: 1, description: 'name of a ruleset; case-sensitive' })

/** One hash of any of the four kinds. */
export const HashPath = Type.Object({
  hash: Type.String({ description: 'MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal digits' }),
})
export type HashPath = Static<typeof HashPath>

/** Hashes as a JSON array or as a repeated form field. */
export const HashList = Type.Array(Type.String(), {
  minItems: 1,
  maxItems: 10_000,
  description: 'hashes, all of one kind',
})
