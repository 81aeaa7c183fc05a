/**
 * What is wrong with a parameter, as a sentence for people. The validator's own messages quote patterns and formats;
 * here each schema is put into words instead: `page must be a whole number from 1`.
 */
import type { ErrorObject } from '@fastify/ajv-compiler'

/** A parameter that is missing or does not fit. */
export interface Problem {
  /** Of the parameter; `body` where there is none. */
  readonly name: string
  /** The place within it, such as `rules[3].content`. */
  readonly at: string
  /** Follows the place in a sentence: `is missing`, `must be true or false`. */
  readonly problem: string
}

/** The request does not fit the schema of its route. */
export class InvalidInput extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super('the request does not fit its schema')
    this.problems = problems
  }
}

/**
 * Marks a text that must not be empty and may be very long: for `minLength` the validator counts all its characters, 17 MB
 * of them in a tenth of a second.
 */
export const NOT_EMPTY = 'x-not-empty'

// biome-ignore lint/suspicious/noExplicitAny: schemas are looked into as JSON
type Schema = any

export function problemOf({ keyword, instancePath, params, parentSchema }: ErrorObject): Problem {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (keyword === 'required') steps.push(String(params.missingProperty))
  const place = steps.map((step, n) => (/^\d+$/.test(step) ? `[${step}]` : n === 0 ? step : `.${step}`)).join('')
  const [name = 'body'] = steps
  return { name: name || 'body', at: place || 'body', problem: wordsFor(keyword, parentSchema) }
}

function wordsFor(keyword: string, schema: Schema): string {
  if (keyword === 'required') return 'is missing'
  if (keyword === 'minItems')
    return schema.minItems === 1 ? 'has no entry' : `has fewer than ${schema.minItems} entries`
  if (keyword === 'maxItems') return `has more than ${schema.maxItems} entries`
  return `must be ${expected(schema)}`
}

/** How many of the allowed values a sentence names. */
const NAMED = 20

/** A schema in words that follow "must be". */
export function expected(schema: Schema): string {
  if (Array.isArray(schema.anyOf)) return listed([...new Set<string>(schema.anyOf.map(expected))])
  if ('const' in schema) return String(schema.const)
  if (Array.isArray(schema.enum)) {
    const values = schema.enum.slice(0, NAMED).join(', ')
    return schema.enum.length === 1 ? values : `one of ${values}${schema.enum.length > NAMED ? ', …' : ''}`
  }
  if (Array.isArray(schema.type)) return listed(schema.type.map((type: string) => expected({ ...schema, type })))
  if (schema.format === 'date-time') return 'a time such as 2026-11-22T10:00:00Z'
  if (schema.pattern !== undefined || schema.format !== undefined) return schema.description
  switch (schema.type) {
    case 'string':
      return `text${lengthOf(schema)}`
    case 'integer':
      return `a whole number${rangeOf(schema)}`
    case 'number':
      return `a number${rangeOf(schema)}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'null':
      return 'null'
    default:
      return 'an object with named fields'
  }
}

function rangeOf({ minimum, maximum }: Schema): string {
  const isBounded = maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER
  if (minimum === undefined) return isBounded ? ` up to ${maximum}` : ''
  return isBounded ? ` from ${minimum} to ${maximum}` : ` from ${minimum}`
}

function lengthOf({ [NOT_EMPTY]: isNotEmpty, minLength = isNotEmpty ? 1 : 0, maxLength }: Schema): string {
  if (maxLength === undefined) return minLength > 0 ? ' that is not empty' : ''
  return minLength > 0 ? ` of ${minLength} to ${maxLength} characters` : ` of up to ${maxLength} characters`
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/**
 * Where each field may be left out: one is there, and none that was written wrongly, which would go unnoticed. Fails with
 * `InvalidInput`.
 */
export function demandSome(body: object, known: object): void {
  const fields = Object.keys(known).join(', ')
  if (Object.keys(body).length === 0)
    throw new InvalidInput([{ name: 'body', at: 'the body', problem: `is empty; it holds some of ${fields}` }])
  const names = Object.keys(body).filter((name) => !Object.hasOwn(known, name))
  if (names.length === 0) return
  const problem = `is not known here; there are ${fields}`
  throw new InvalidInput(names.slice(0, 5).map((name) => ({ name, at: name, problem })))
}
