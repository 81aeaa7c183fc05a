/** What stands behind the colon of a field, as a condition. */
import { type Bounds, type Condition, hashDigits, type Pattern } from './condition.ts'
import type { FieldMeaning } from './fields.ts'

/** A value as written: what wildcards are is decided already, so that an escaped star is a star. */
export interface Written {
  readonly pattern: Pattern
  /** The same without the difference. */
  readonly text: string
}

export type Comparison = '=' | '>' | '>=' | '<' | '<='

/** What is wrong with a value, in words that follow it. */
export class InvalidValue extends Error {}

/** `from` and `to` null for a star. */
export function rangeOf(meaning: FieldMeaning, from: Written | null, to: Written | null): Condition {
  if (meaning.kind !== 'number' && meaning.kind !== 'bytes' && meaning.kind !== 'time') {
    throw new InvalidValue('ranges are for numbers, sizes and times')
  }
  const bounds: Bounds = {
    from: from && valuesOf(meaning.kind, from.text).from,
    to: to && valuesOf(meaning.kind, to.text).to,
  }
  if (bounds.from !== null && bounds.to !== null && bounds.from > bounds.to) {
    throw new InvalidValue('the range ends before it begins')
  }
  return { kind: 'number', field: meaning.field, bounds }
}

export function conditionOf(meaning: FieldMeaning, comparison: Comparison, written: Written): Condition {
  if (comparison !== '=') return comparisonOf(meaning, comparison, written)
  switch (meaning.kind) {
    case 'text':
      if (written.text === '') throw new InvalidValue('the value is empty')
      return { kind: 'text', field: meaning.field, pattern: written.pattern }
    case 'program':
      if (written.text === '') throw new InvalidValue('the value is empty')
      return { kind: 'program', field: meaning.field, pattern: written.pattern }
    case 'hash':
      return hashOf(meaning.of, written)
    case 'tlsh':
      return { kind: 'tlsh', digits: tlshDigitsOf(written) }
    case 'classification':
      return { kind: 'classification', is: classificationOf(written.text) }
    case 'stored':
      return { kind: 'stored', is: flagOf(written.text) }
    case 'number':
    case 'bytes':
    case 'time':
      return rangeOf(meaning, written, written)
  }
}

function comparisonOf(meaning: FieldMeaning, comparison: Comparison, written: Written): Condition {
  if (meaning.kind !== 'number' && meaning.kind !== 'bytes' && meaning.kind !== 'time') {
    throw new InvalidValue(`${comparison} is for numbers, sizes and times`)
  }
  // A value may stand for many: a date for its whole day.
  const { from, to } = valuesOf(meaning.kind, written.text)
  const bounds: Record<Exclude<Comparison, '='>, Bounds> = {
    '>': { from: to + 1, to: null },
    '>=': { from, to: null },
    '<': { from: null, to: from - 1 },
    '<=': { from: null, to },
  }
  return { kind: 'number', field: meaning.field, bounds: bounds[comparison as Exclude<Comparison, '='>] }
}

type HashMeaning = Extract<FieldMeaning, { kind: 'hash' }>['of']

/** Without a star the beginning of a digest is one all the same: nobody looks for a digest that has too few digits. */
function hashOf(of: HashMeaning, { text }: Written): Condition {
  const digits = text.replace(/\*$/, '').toLowerCase()
  if (!/^[0-9a-f]{1,128}$/.test(digits))
    throw new InvalidValue('a hash is written in hexadecimal digits, with a star at most at its end')
  const most = of === 'any' || of === 'parent' ? hashDigits.sha512 : hashDigits[of]
  if (digits.length > most) throw new InvalidValue(`a hash of this kind has ${most} digits`)
  return of === 'parent' ? { kind: 'parent', digits } : { kind: 'hash', of, digits }
}

/** With `T1` before them or without: earlier versions of it had none. */
function tlshDigitsOf({ text }: Written): string {
  const digits = /^(?:T1)?([\da-f]{1,70})\*?$/i.exec(text)?.[1]
  if (digits === undefined) {
    throw new InvalidValue('a TLSH is written as T1 and 70 hexadecimal digits, or fewer with a star at the end')
  }
  return digits.toLowerCase()
}

const classifications: Readonly<Record<string, 0 | 1 | 2 | 3>> = {
  unknown: 0,
  goodware: 1,
  known: 1,
  suspicious: 2,
  malicious: 3,
}

function classificationOf(text: string): 0 | 1 | 2 | 3 {
  const number = classifications[text.toLowerCase()]
  if (number === undefined)
    throw new InvalidValue('a classification is malicious, suspicious, goodware, known or unknown')
  return number
}

function flagOf(text: string): boolean {
  const found = /^(?:(true|yes|1)|false|no|0)$/i.exec(text)
  if (!found) throw new InvalidValue('the value is true or false')
  return found[1] !== undefined
}

type Range = { readonly from: number; readonly to: number }

function valuesOf(kind: 'number' | 'bytes' | 'time', text: string): Range {
  if (kind === 'time') return timesOf(text)
  const value = kind === 'bytes' ? bytesOf(text) : numberOf(text)
  return { from: value, to: value }
}

function numberOf(text: string): number {
  const found = /^(?:0x([0-9a-f]{1,12})|(\d{1,15}))$/i.exec(text)
  if (!found) throw new InvalidValue('the value is a whole number')
  return found[1] === undefined ? Number(found[2]) : Number.parseInt(found[1], 16)
}

const units: Readonly<Record<string, number>> = { '': 0, b: 0, k: 1, kb: 1, m: 2, mb: 2, g: 3, gb: 3 }

function bytesOf(text: string): number {
  const found = /^(\d{1,15})([a-z]{0,2})$/i.exec(text)
  const power = units[(found?.[2] ?? '?').toLowerCase()]
  if (!found || power === undefined) throw new InvalidValue('a size is a number of bytes, or of KB, MB or GB')
  return Number(found[1]) * 1024 ** power
}

const DAY = 86_400_000_000
const MINUTE = 60_000_000
const SECOND = 1_000_000

/** The microseconds that a time stands for: of its day, minute or second. */
function timesOf(text: string): Range {
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text)
  if (!found) throw new InvalidValue('a time is a date such as 2026-11-22, or a time such as 2026-11-22T10:00:00Z')
  const [, date = '', minutes, seconds, fraction, zone] = found
  const at = minutes === undefined ? `${date}T00:00:00Z` : `${date}T${minutes}${seconds ?? ':00'}${zone ?? 'Z'}`
  const start = Date.parse(at) * 1_000
  if (Number.isNaN(start)) throw new InvalidValue('there is no such time')
  const from = start + (fraction ? Math.round(Number(fraction) * SECOND) : 0)
  const length = minutes === undefined ? DAY : seconds === undefined ? MINUTE : fraction ? 1 : SECOND
  return { from, to: from + length - 1 }
}
