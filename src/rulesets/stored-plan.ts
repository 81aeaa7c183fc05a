import { crc32 } from 'node:zlib'
import type { Plan } from '../planner/index.ts'

/**
 * How plans are stored: a line that says what made them, then JSON. JSON has no typed arrays, no infinity and no big
 * integers, which plans hold; each becomes an object with the one key below, a name that no plan uses.
 *
 *     backtrail-plan 3.4 9c1f03aa
 *     {"kind":"and","parts":[{"kind":"grams","grams":{"$u32":"base64"},…},…]}
 *
 * The first number is the version of this form, the second that of the planner: a plan that either of them would now
 * make otherwise is made anew. The third is the CRC-32 of the JSON: a plan that was changed or cut off would miss
 * matches without a word, so it is made anew as well.
 */
const FORM = 3

/** What the text of an up-to-date plan begins with. */
export function planHeader(plannerVersion: number): string {
  return `backtrail-plan ${FORM}.${plannerVersion} `
}

export function writePlan(plan: Plan, plannerVersion: number): string {
  const json = JSON.stringify(plan, encode)
  return `${planHeader(plannerVersion)}${checksum(json)}\n${json}`
}

/** Null for a plan that another version made, and for one that is damaged. */
export function readPlan(text: string, plannerVersion: number): Plan | null {
  const end = text.indexOf('\n')
  const json = text.slice(end + 1)
  if (end < 0 || text.slice(0, end) !== planHeader(plannerVersion) + checksum(json)) return null
  return JSON.parse(json, decode) as Plan
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}

function encode(this: Record<string, unknown>, key: string, shown: unknown): unknown {
  // A Buffer turns itself into something else before it gets here as `shown`.
  const value = this[key]
  if (value instanceof Uint32Array) return { $u32: base64(value) }
  if (value instanceof Uint8Array) return { $u8: base64(value) }
  if (typeof value === 'bigint') return { $int: String(value) }
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  return shown
}

function decode(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$u32' in value) return new Uint32Array(bytes(value.$u32).buffer)
  if ('$u8' in value) return bytes(value.$u8)
  if ('$int' in value) return BigInt(value.$int as string)
  if ('$number' in value) return Number(value.$number)
  return value
}

// Little-endian, as every platform that Node runs on is.
function base64(array: Uint32Array | Uint8Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')
}

/** In a buffer of their own, so that a view of wider elements fits. */
function bytes(encoded: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(encoded as string, 'base64'))
}
