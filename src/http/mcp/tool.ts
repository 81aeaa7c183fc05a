/** What a tool is, and how one is called: with the rights, the scope and the audit log of an operation of the API. */
import type { Static, TObject } from 'typebox'
import type { Account } from '../../accounts/index.ts'
import type { ApplianceServices } from '../appliance.ts'
import type { Problem } from '../problems.ts'

/** Who calls a tool, and with what. */
export interface ToolCall {
  readonly appliance: ApplianceServices
  readonly caller: Account
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal
}

export interface Tool {
  readonly name: string
  readonly title: string
  /** For the model that chooses a tool. */
  readonly description: string
  /** The `operationId` of the API whose rights, scope and entries in the audit log are those of the tool. */
  readonly operation: string
  readonly changes: boolean
  readonly input: TObject
  readonly output: TObject
  /** Where its results hold texts that are not ours: `results[].filename`. */
  readonly untrusted: readonly string[]
  run(input: unknown, call: ToolCall): Promise<object>
}

/** A tool of which the compiler has held the action against the schemas. */
export function tool<Input extends TObject, Output extends TObject>(
  made: Omit<Tool, 'input' | 'output' | 'run'> & {
    readonly input: Input
    readonly output: Output
    run(input: Static<Input>, call: ToolCall): Promise<Static<Output>>
  },
): Tool {
  return { ...made, run: (input, call) => made.run(input as Static<Input>, call) }
}

// biome-ignore lint/suspicious/noExplicitAny: schemas are looked into as JSON
type Schema = any

/** The schema as clients get it: names that are not in it are refused at every level. */
export function closed(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inside = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]))
  return schema.type === 'object' && schema.properties ? { ...inside, additionalProperties: false } : inside
}

/**
 * Names that the schema does not have. The API ignores them; a model that invents a filter must hear that there is none,
 * since it would take what it gets for filtered.
 */
export function unknownNames(schema: Schema, value: unknown, at = ''): Problem[] {
  if (Array.isArray(value)) return value.flatMap((each, n) => unknownNames(schema?.items, each, `${at}[${n}]`))
  if (typeof value !== 'object' || value === null || !schema?.properties) return []
  return Object.entries(value).flatMap(([name, part]) => {
    const place = at === '' ? name : `${at}.${name}`
    if (Object.hasOwn(schema.properties, name)) return unknownNames(schema.properties[name], part, place)
    const known = Object.keys(schema.properties).join(', ')
    return [{ name, at: place, problem: `is unknown; known are ${known || 'none'}` }]
  })
}
