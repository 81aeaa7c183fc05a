/**
 * What was thrown, as text: with what caused it (`cause`), and with the errors that an AggregateError stands for. Both
 * functions take whatever can be thrown, and end on causes that go in a circle.
 */
import { inspect } from 'node:util'

/** Causes of causes that are followed, and errors of an AggregateError that are named. */
const DEPTH = 8
const NAMED = 5

/** One line for people: `reading the queue failed: disk I/O error`. */
export function messageOf(thrown: unknown): string {
  return message(thrown, [])
}

/** Stacks, each cause below what it caused. */
export function traceOf(thrown: unknown): string {
  return trace(thrown, [])
}

function message(thrown: unknown, outer: readonly unknown[]): string {
  if (!(thrown instanceof Error)) return valueText(thrown)
  // The system's errors for several addresses have a code and no message.
  const own = String(thrown.message || (thrown as NodeJS.ErrnoException).code || thrown.name)
  const { causes, unnamed } = causesOf(thrown, outer)
  const inner = causes.map((cause) => message(cause, [...outer, thrown])).filter((text) => !own.includes(text))
  if (unnamed > 0) inner.push(`and ${unnamed} more`)
  return inner.length === 0 ? own : `${own}: ${inner.join('; ')}`
}

function trace(thrown: unknown, outer: readonly unknown[]): string {
  if (!(thrown instanceof Error)) return valueText(thrown)
  const { causes, unnamed } = causesOf(thrown, outer)
  return [
    String(thrown.stack || `${thrown.name}: ${thrown.message}`),
    ...causes.map((cause) => `caused by: ${trace(cause, [...outer, thrown])}`),
    ...(unnamed > 0 ? [`and by ${unnamed} more`] : []),
  ].join('\n')
}

function causesOf(error: Error, outer: readonly unknown[]): { causes: unknown[]; unnamed: number } {
  if (outer.length >= DEPTH) return { causes: [], unnamed: 0 }
  const { errors } = error as { errors?: unknown }
  const several = Array.isArray(errors) ? errors : []
  const all = [...(error.cause === undefined ? [] : [error.cause]), ...several]
  const fresh = all.filter((cause) => cause !== error && !outer.includes(cause))
  return { causes: fresh.slice(0, NAMED), unnamed: Math.max(0, fresh.length - NAMED) }
}

function valueText(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 2, maxArrayLength: 10, maxStringLength: 1_000 })
}
