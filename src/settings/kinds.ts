/**
 * The kinds of values an option can have. A kind reads the text that a person wrote, prints a value the same way, and
 * says in words what it accepts, so that help, documentation and error messages agree.
 */
import { isIP } from 'node:net'
import { resolve } from 'node:path'

export interface Kind<T> {
  /** What stands for the value in the help: `--port <number>`. */
  readonly placeholder: string
  /** Completes "must be …". */
  readonly allowed: string
  /** The value of `text`, or undefined when it is not one of the allowed. */
  parse(text: string): T | undefined
  /** As a person would write it; parsing it gives the value again. */
  print(value: T): string
}

const sizeUnits = { B: 1, KB: 1 << 10, MB: 1 << 20, GB: 1 << 30, TB: 2 ** 40 } as const
const timeUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Any text that is not empty. */
export function text(placeholder: string, allowed: string): Kind<string> {
  return { placeholder, allowed, parse: (given) => given, print: (value) => value }
}

/** A path, made absolute from the working folder. */
export function path(placeholder: string): Kind<string> {
  return { placeholder, allowed: 'a path', parse: (given) => resolve(given), print: (value) => value }
}

/** The path of an address, without its last slash: `/bt`. Empty for `/`. */
export function addressPath(): Kind<string> {
  return {
    placeholder: 'path',
    allowed: 'steps of letters, digits and . _ ~ - that begin with a slash, such as /backtrail',
    parse: (given) => {
      const steps = given.replace(/\/+$/, '')
      return steps === '' || isAddressPath(steps) ? steps : undefined
    },
    print: (value) => value,
  }
}

/** An address on the web, without its last slash: `https://backtrail.example.org/bt`. */
export function webAddress(): Kind<string> {
  return {
    placeholder: 'url',
    allowed: 'an address that starts with https:// or http://, without a question mark',
    parse: (given) => {
      const url = URL.parse(given)
      const isWeb = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
      return isWeb && url.username === '' ? url.href.replace(/\/+$/, '') : undefined
    },
    print: (value) => value,
  }
}

/** Whether a text can stand before the paths of addresses as it is: `/bt`, `/tools/bt`. */
export function isAddressPath(text: string): boolean {
  return /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/.test(text)
}

/** A whole number of `least` to `most`. */
export function count(least: number, most: number): Kind<number> {
  return {
    placeholder: 'number',
    allowed: `a whole number from ${least} to ${most}`,
    parse: (given) => (/^\d+$/.test(given) ? within(Number(given), least, most) : undefined),
    print: String,
  }
}

/** Bytes, written with or without a unit of 1,024: `65536`, `64KB`, `1.5 GB`. */
export function size(least: number, most: number): Kind<number> {
  return {
    placeholder: 'size',
    allowed: `a size from ${printSize(least)} to ${printSize(most)}, such as 65536, 64KB, 700MB or 1.5GB`,
    parse: (given) => within(readSize(given), least, most),
    print: printSize,
  }
}

/** Bytes, written with or without a unit of 1,024; undefined for anything else. */
export function readSize(given: string): number | undefined {
  return within(parseUnits(given.toUpperCase(), sizeUnits, 'B'), 0, Number.MAX_SAFE_INTEGER)
}

/** Milliseconds, written in seconds or with a unit: `30`, `30s`, `500ms`, `5m`, `1h`. */
export function duration(least: number, most: number): Kind<number> {
  return {
    placeholder: 'time',
    allowed: `a time from ${printTime(least)} to ${printTime(most)}, such as 30 (seconds), 500ms, 5m or 1h`,
    parse: (given) => within(parseUnits(given.toLowerCase(), timeUnits, 's'), least, most),
    print: printTime,
  }
}

/** One of a few words. */
export function choice<const T extends string>(placeholder: string, ...words: readonly T[]): Kind<T> {
  return {
    placeholder,
    allowed: `one of ${words.join(', ')}`,
    parse: (given) => words.find((word) => word === given.toLowerCase()),
    print: (value) => value,
  }
}

/** Words separated by commas. */
export function list(
  placeholder: string,
  allowed: string,
  isAllowed: (word: string) => boolean,
): Kind<readonly string[]> {
  return {
    placeholder,
    allowed,
    parse: (given) => {
      const words = given
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== '')
      return words.every(isAllowed) ? words : undefined
    },
    print: (value) => value.join(','),
  }
}

/** What each of some words stands for: `word=value;word=value`. A word may have commas, spaces and equals signs. */
export function pairs<const T extends string>(placeholder: string, ...values: readonly T[]): Kind<readonly Pair<T>[]> {
  return {
    placeholder,
    allowed: `${placeholder} with semicolons between them, such as hunters=${values[0]}; the last part is one of ${values.join(', ')}`,
    parse: (given) => {
      const read = given.split(';').flatMap((text) => (text.trim() === '' ? [] : [pairOf(text, values)]))
      return read.every((pair) => pair !== undefined) ? read : undefined
    },
    print: (pairs) => pairs.map(({ word, value }) => `${word}=${value}`).join(';'),
  }
}

export interface Pair<T> {
  readonly word: string
  readonly value: T
}

function pairOf<T extends string>(text: string, values: readonly T[]): Pair<T> | undefined {
  const at = text.lastIndexOf('=')
  const word = text.slice(0, Math.max(0, at)).trim()
  const value = values.find(
    (one) =>
      one ===
      text
        .slice(at + 1)
        .trim()
        .toLowerCase(),
  )
  return word === '' || value === undefined ? undefined : { word, value }
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}

function parseUnits(given: string, units: Readonly<Record<string, number>>, plain: string): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(given.trim()) ?? []
  const factor = units[unit || plain]
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor)
}

function printSize(value: number): string {
  return printUnits(value, sizeUnits)
}

function printTime(value: number): string {
  return printUnits(value, timeUnits)
}

/** In the largest unit that divides the value. */
function printUnits(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, factor] = Object.entries(units).findLast(([, factor]) => value >= factor && value % factor === 0) ?? [
    '',
    1,
  ]
  return `${value / factor}${unit}`
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. */
export function isNetwork(word: string): boolean {
  const [address = '', bits = '0'] = word.split('/')
  return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIP(address) === 6 ? 128 : 32)
}

/** `*`, `*.example.org`, `example.org`, or an address. */
function isHostPattern(word: string): boolean {
  return word === '*' || /^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(word) || isIP(word) !== 0
}

/** Hosts by name, by the domain above them, or all. */
export function hosts(): Kind<readonly string[]> {
  return list(
    'hosts',
    'names of hosts separated by commas, with *. in front for all hosts below one, or * for every host',
    isHostPattern,
  )
}

export function networks(): Kind<readonly string[]> {
  return list('networks', 'addresses or networks separated by commas, such as 10.1.0.0/16', isNetwork)
}
