import { crc32 } from 'node:zlib'
import { planKey } from './algebra.ts'
import type { Plan } from './plan.ts'

/**
 * How plans are stored, and how they travel to the workers: a line that says what made them, then JSON. The JSON is a list
 * of the plan's parts, each part after those that it has, which it names by their place; the last one is the plan. So a
 * part that stands in many places is written once. JSON has no typed arrays, no infinity and no big integers, which
 * plans hold; each becomes an object with the one key below, a name that no plan uses.
 *
 *     backtrail-plan 6.9 9c1f03aa
 *     [{"kind":"grams","grams":{"$u32":"base64"},…},{"kind":"fact",…},{"kind":"and","parts":[0,1]}]
 *
 * The first number is the version of this form, the second that of the planner: a plan that either of them would now
 * make otherwise is made anew. The third is the CRC-32 of the JSON: a plan that was changed or cut off would miss
 * matches without a word, so it is made anew as well.
 */
const FORM = 6

/** Stored plans that carry a smaller number are made anew at start; grows when the planner gives other plans. */
const PLANNER_VERSION = 11

/** Characters of JSON. Plans are read by every worker, and a server holds those of all rulesets that run. */
const MAX_CHARACTERS = 16 * 1024 * 1024

/** What the text of an up-to-date plan begins with. */
export const planHeader = `backtrail-plan ${FORM}.${PLANNER_VERSION} `

/** Null for a plan that is too large to be stored; in its place belongs one that demands nothing. */
export function writePlan(plan: Plan): string | null {
  const numbers = new Map<string, number>()
  const parts: string[] = []
  let characters = 0
  // Plans are not deeper than the algebra allows.
  const numberOf = (part: Plan): number => {
    const known = numbers.get(planKey(part))
    if (known !== undefined) return known
    const encodable = 'parts' in part ? { ...part, parts: part.parts.map(numberOf) } : part
    const json = characters > MAX_CHARACTERS ? '' : JSON.stringify(encodable, encode)
    characters += json.length
    const number = parts.push(json) - 1
    numbers.set(planKey(part), number)
    return number
  }
  numberOf(plan)
  if (characters > MAX_CHARACTERS) return null
  const json = `[${parts.join()}]`
  return `${planHeader}${checksum(json)}\n${json}`
}

/** Whether `readPlan` would take it, without reading it. */
export function isCurrentPlan(text: string): boolean {
  const end = text.indexOf('\n')
  return end >= 0 && text.slice(0, end) === planHeader + checksum(text.slice(end + 1))
}

/** Null for a plan that another version made, and for one that is damaged. */
export function readPlan(text: string): Plan | null {
  if (!isCurrentPlan(text)) return null
  const parts = JSON.parse(text.slice(text.indexOf('\n') + 1), decode) as ({ parts?: unknown[] } | Plan)[]
  for (const part of parts) {
    if ('parts' in part && part.parts !== undefined)
      Object.assign(part, { parts: part.parts.map((number) => parts[number as number]) })
  }
  return (parts.at(-1) as Plan | undefined) ?? null
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}
function encode(this: Record<string, unknown>, key: string, shown: unknown): unknown {
  // A Buffer turns itself into something else before it gets here as `shown`.
  const value = this[key]
  if (value instanceof Uint32Array) return { $u32: base64(value) }
  if (value instanceof Float64Array) return { $f64: base64(value) }
  if (value instanceof Uint8Array) return { $u8: base64(value) }
  if (typeof value === 'bigint') return { $int: String(value) }
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  return shown
}

function decode(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$u32' in value) return new Uint32Array(bytes(value.$u32).buffer)
  if ('$f64' in value) return new Float64Array(bytes(value.$f64).buffer)
  if ('$u8' in value) return bytes(value.$u8)
  if ('$int' in value) return BigInt(value.$int as string)
  if ('$number' in value) return Number(value.$number)
  return value
}

// Little-endian, as every platform that Node runs on is.
function base64(array: Uint32Array | Float64Array | Uint8Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')
}

/** In a buffer of their own, so that a view of wider elements fits. */
function bytes(encoded: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(encoded as string, 'base64'))
}
