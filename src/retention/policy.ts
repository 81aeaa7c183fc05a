import { Failure } from '../errors/index.ts'
import { type Condition, parseQuery } from '../query/index.ts'
import type { StoredSettings } from '../store/index.ts'

/** Which samples are deleted by themselves. Nothing is, unless somebody has said so. */
export interface RetentionPolicy {
  readonly enabled: boolean
  /** A sample goes that one of them is about. */
  readonly rules: readonly RetentionRule[]
  /** With more bytes than this, those that were seen longest ago go as well; null: however many there are. */
  readonly maxBytes: number | null
  /** Of the query language: samples that always stay. Empty for none. */
  readonly keep: string
  /** Samples with matches, with hits of hunts or in the feed of a tenant stay. */
  readonly keepMatched: boolean
}

export interface RetentionRule {
  /** Last seen longer ago than this. */
  readonly days: number
  /** Of the query language; empty for every sample. */
  readonly query: string
}

/** A policy that was read. */
export interface ReadPolicy {
  readonly rules: readonly { readonly days: number; readonly condition: Condition | null }[]
  readonly maxBytes: number | null
  /** Null for none. */
  readonly keep: Condition | null
  readonly keepMatched: boolean
}

const noPolicy: RetentionPolicy = { enabled: false, rules: [], maxBytes: null, keep: '', keepMatched: true }

export const MOST_RULES = 100
export const MOST_DAYS = 36_500

const KEY = 'retention'

export async function loadPolicy(settings: StoredSettings): Promise<RetentionPolicy> {
  const stored = await settings.find(KEY)
  return stored === null ? noPolicy : { ...noPolicy, ...(JSON.parse(stored) as RetentionPolicy) }
}

export async function storePolicy(settings: StoredSettings, policy: RetentionPolicy): Promise<void> {
  await settings.set(KEY, JSON.stringify(policy))
}

/** Fails with `query.malformed` and `parameter.out-of-range`. */
export function readPolicy({ rules, maxBytes, keep, keepMatched }: RetentionPolicy): ReadPolicy {
  if (rules.length > MOST_RULES) throw outOfRange(`there are at most ${MOST_RULES} rules of retention`)
  if (maxBytes !== null && !(Number.isSafeInteger(maxBytes) && maxBytes >= 1))
    throw outOfRange('the size must be a whole number of bytes')
  return {
    rules: rules.map(({ days, query }, at) => {
      if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
        throw outOfRange(`the days of rule ${at + 1} must be a whole number from 1 to ${MOST_DAYS}`)
      return { days, condition: readQuery(query, `of rule ${at + 1}`) }
    }),
    maxBytes,
    keep: readQuery(keep, 'of samples that stay'),
    keepMatched,
  }
}

function readQuery(text: string, which: string): Condition | null {
  const { condition, problem } = parseQuery(text)
  if (problem === null) return condition
  const { message, from, to } = problem
  throw new Failure('query.malformed', `The query ${which} cannot be understood at character ${from + 1}: ${message}`, {
    from,
    to,
  })
}

function outOfRange(problem: string): Failure {
  return new Failure('parameter.out-of-range', `Parameter not in expected range: ${problem}.`)
}

/** A change in words, for the audit log. */
export function changeInWords(change: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(change).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
}
