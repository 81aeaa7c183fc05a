/** Parameters that several endpoints share: how they are written on the wire, and how they are read. */
import { type Static, Type } from 'typebox'
import { Failure } from '../errors/index.ts'
import { NOT_EMPTY } from './problems.ts'
import { COMMAS } from './validation.ts'

/** `true`, `True`, `1`, `false`, `False`, `0`; empty counts as absent, as clients leave out what is false. */
export const Flag = Type.String({
  pattern: '^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|1|0|)$',
  description: 'true or false in any case, or 1 or 0',
})

export function isSet(flag: string | undefined): boolean {
  return flag === '1' || flag?.toLowerCase() === 'true'
}

/** Rows that an answer holds at most, also without paging: the rest is on the pages behind it. */
export const MOST_ROWS = 10_000

/** Tags that one request adds, and characters of each. */
export const MOST_TAGS = 1_000
export const LONGEST_TAG = 200

export interface PageRequest {
  /** From 1. */
  readonly number: number
  readonly size: number
  /** More was asked for than an answer holds: the whole list, or a larger page. */
  readonly isCut?: true
}

/** Everything, as far as an answer holds it. */
export const WHOLE_LIST: PageRequest = { number: 1, size: MOST_ROWS, isCut: true }

/** Fails when one of the two comes without the other, and for later pages that are larger than an answer may be. */
export function pageOf(query: { readonly page?: string; readonly page_size?: string }): PageRequest {
  if (query.page === undefined && query.page_size === undefined) return WHOLE_LIST
  if (query.page === undefined || query.page_size === undefined) {
    throw new Failure(
      'parameter.out-of-range',
      'Parameter not in expected range: page and page_size can only be used together.',
    )
  }
  return boundedPage(Number(query.page), Number(query.page_size))
}

/** A first page that is too large is cut, and its `next` goes on behind it; a later one would leave rows out. */
export function boundedPage(number: number, size: number): PageRequest {
  if (size > MOST_ROWS && number > 1) {
    throw new Failure('parameter.out-of-range', `Parameter not in expected range: page_size is at most ${MOST_ROWS}.`)
  }
  return size > MOST_ROWS ? WHOLE_LIST : { number, size }
}

/** A YARA text; it may have many megabytes. */
export const YaraText = Type.String({ [NOT_EMPTY]: true, description: 'the YARA text' })

/** `name` as bodies and queries carry it; what makes a name legal is the business of src/rulesets. */
export const RulesetName = Type.String({ minLength: 1, description: 'name of a ruleset; case-sensitive' })

/** As YARA allows them, with room. */
export const RuleName = Type.String({ minLength: 1, maxLength: 200, description: 'name of a rule' })

/** One hash of any of the four kinds. */
export const HashPath = Type.Object({
  hash: Type.String({ description: 'MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal digits' }),
})
export type HashPath = Static<typeof HashPath>

/** Hashes as a JSON array, as a repeated form field, or in one text with commas between them. */
export const HashList = Type.Array(Type.String(), {
  [COMMAS]: true,
  minItems: 1,
  maxItems: 10_000,
  description: 'hashes, all of one kind',
})
