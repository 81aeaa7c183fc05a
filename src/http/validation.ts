/**
 * Validation of parameters and bodies: one problem for each parameter, however many entries it has that do not fit.
 * Before, a parameter with one value that comes several times is made one where that is no guess, and an empty one of a
 * query is left out where it may be.
 *
 * The validator either stops at the first problem of a whole request or collects one for every value in it, which for a
 * list of two million entries takes a minute and gigabytes. So each parameter gets a validator of its own that stops at
 * its first problem, and bounds on the number of entries are looked at before the entries.
 */
import AjvCompiler, { type ErrorObject } from '@fastify/ajv-compiler'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import { isReading } from './access.ts'
import { InvalidInput, NOT_EMPTY, type Problem, problemOf } from './problems.ts'

/** Marks a list whose values may also come as one text with commas between them. */
export const COMMAS = 'x-comma-separated'

// biome-ignore lint/suspicious/noExplicitAny: schemas are looked into as JSON
type Schema = any
type Check = (value: unknown) => readonly Problem[]

export function addValidation(app: FastifyInstance): void {
  const compile = AjvCompiler()(
    {},
    {
      customOptions: {
        allErrors: false,
        verbose: true,
        // One value of a repeatable parameter becomes a list of one.
        coerceTypes: 'array',
        removeAdditional: false,
        keywords: [
          COMMAS,
          { keyword: NOT_EMPTY, type: 'string', validate: (_: true, text: string) => text !== '', errors: false },
        ],
      },
    },
  )
  const checkWith = (schema: Schema): Check => {
    // By the first request that needs it: all of them together would take a second of every start.
    let validate: ReturnType<typeof compile> | null = null
    return (value) => {
      validate ??= compile({ schema })
      return validate(value) ? [] : lastOf(validate.errors as ErrorObject[]).map(problemOf)
    }
  }

  const build: FastifySchemaCompiler<Schema> = ({ schema, httpPart, method }) => {
    const place = { isQuery: httpPart === 'querystring', changesNothing: isReading(method) }
    const check =
      schema.type === 'object' && schema.properties ? byParameter(schema, checkWith, place) : checkWith(schema)
    return (value: unknown) => {
      const problems = check(value)
      return problems.length === 0 ? { value } : { error: new InvalidInput(problems) }
    }
  }
  app.setValidatorCompiler(build)
}

/** Of the problems with the branches of a union, the one with the union itself comes last. */
function lastOf<T>(errors: readonly T[]): T[] {
  return errors.slice(-1)
}

interface Place {
  readonly isQuery: boolean
  readonly changesNothing: boolean
}

function byParameter(
  { properties, required = [], ...whole }: Schema,
  checkWith: (schema: Schema) => Check,
  { isQuery, changesNothing }: Place,
): Check {
  const checkWhole = checkWith(whole)
  const parts = Object.entries<Schema>(properties).map(([name, schema]) => {
    const isOptional = !required.includes(name) || schema.default !== undefined
    return {
      name,
      separated: schema[COMMAS] === true,
      isSingle: hasOneValue(schema),
      // As the servers do that the vendor's clients were written for.
      mayBeEmpty: isQuery && isOptional,
      lastCounts: isQuery && isOptional && changesNothing,
      check: checkWith({ type: 'object', properties: { [name]: schema } }),
    }
  })
  return (value) => {
    if (value === undefined || value === null) return [{ name: 'body', at: 'the body', problem: missingBody(required) }]
    const problems = [...checkWhole(value)]
    if (problems.length > 0) return problems
    const given = value as Record<string, unknown>
    for (const { name, separated, isSingle, mayBeEmpty, lastCounts, check } of parts) {
      if (separated && given[name] !== undefined) given[name] = separate(given[name])
      if (isSingle && isRepeated(given[name])) given[name] = oneOf(given[name], lastCounts)
      if (mayBeEmpty && given[name] === '') given[name] = undefined
      if (isSingle && isRepeated(given[name])) problems.push({ name, at: name, problem: DIFFERENT })
      else problems.push(...check(given))
    }
    // Behind the parts, which fill in their defaults.
    for (const name of required) {
      if (given[name] === undefined) problems.push({ name, at: name, problem: 'is missing' })
    }
    return problems
  }
}

const DIFFERENT = 'is given more than once, with different values'

/** Whether a parameter has one value, and no list of them. */
function hasOneValue({ type, enum: values, anyOf }: Schema): boolean {
  if (Array.isArray(anyOf)) return anyOf.every(hasOneValue)
  return Array.isArray(values) || ['string', 'integer', 'number', 'boolean', 'null'].includes(type)
}

/** As a form or a query carries what it has several times. */
function isRepeated(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 1 && value.every((one) => typeof one === 'string')
}

/** The same value said again says nothing else. Different ones stay, unless the last counts: which is meant is not to be guessed. */
function oneOf(values: readonly string[], lastCounts: boolean): string | readonly string[] {
  const last = values.at(-1) ?? ''
  return lastCounts || values.every((value) => value === last) ? last : values
}

function missingBody(required: readonly string[]): string {
  return required.length > 0 ? `is missing; it holds ${required.join(', ')}` : 'is missing'
}

/** Each text cut at its commas, blanks around a value and empty values left out. */
function separate(value: unknown): unknown {
  const cut = (each: unknown) =>
    typeof each === 'string' && each.includes(',') ? each.split(',').flatMap((word) => word.trim() || []) : each
  return Array.isArray(value) ? value.flatMap(cut) : cut(value)
}
