import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type ProgramField, placeOf } from '../../index/index.ts'
import { isProgram, type ProgramFacts, readProgram } from '../../programs/index.ts'
import { type CompiledRules, type Engine, noVariables } from '../engine.ts'
import type { Task } from './task.ts'

/** Of an MD5. */
const DIGITS = 32
/** What the engine has for a program that imports nothing. */
const HASH_OF_NOTHING = hash('md5', '', 'hex')

const subjects = {
  imphash: { field: 'imphash()', text: 'pe.imphash()' },
  richHash: { field: 'rich_signature.clear_data', text: 'hash.md5(pe.rich_signature.clear_data)' },
} as const satisfies Record<string, { field: ProgramField; text: string }>
type HashName = keyof typeof subjects

/**
 * Reads what a program is made of, beside what the engine says of it.
 *
 * Hashes are those of the engine, since rules ask for them. It gives their CRC-32 with its facts (engine-facts.ts), which
 * says whether ours are the same. Where they differ, as with functions that are imported by numbers that the engine has
 * names for, it is asked digit by digit: some milliseconds, for a few programs.
 */
export class ProgramFactsReader {
  readonly #engine: Engine
  readonly #rules = new Map<HashName, CompiledRules>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Null for what is no program, and where a worker was lost over it. `header` is the engine's program of the sample. */
  read(task: Task, bytes: Buffer, header: Uint32Array | null): ProgramFacts | null {
    if (!isProgram(bytes) || !task.exclusions.allowed.programs) return null
    task.note('program', { allowedMs: task.scanMs(bytes.length) + task.compileMs })
    let facts: ProgramFacts | null
    try {
      facts = readProgram(bytes)
    } catch {
      // A sample is matched and indexed whatever we make of its headers.
      return null
    }
    if (facts === null) return null
    return {
      ...facts,
      imphash: this.#asEngine('imphash', facts.imphash, header, bytes),
      richHash: this.#asEngine('richHash', facts.richHash, header, bytes),
    }
  }

  #asEngine(name: HashName, ours: string | null, header: Uint32Array | null, bytes: Buffer): string | null {
    const known = header === null ? null : fieldOf(header, subjects[name].field)
    if (known === null) return null
    const found = ours !== null && crc32(ours) === known ? ours : this.#askDigits(name, bytes)
    return found === HASH_OF_NOTHING ? null : found
  }

  #askDigits(name: HashName, bytes: Buffer): string | null {
    const rules = this.#rules.get(name) ?? this.#engine.compile(digitRules(subjects[name].text))
    this.#rules.set(name, rules)
    const holding = new Set(rules.scan(bytes, noVariables).map(({ rule }) => rule))
    if (!holding.has('is_hash')) return null
    const digits = Array.from({ length: DIGITS }, (_, n) =>
      [0, 1, 2, 3].reduce((value, bit) => value + (holding.has(`digit_${n}_${bit}`) ? 2 ** bit : 0), 0).toString(16),
    )
    return digits.join('')
  }
}

/** Null where it is not known, or has no value. */
function fieldOf(header: Uint32Array, field: ProgramField): number | null {
  if (header.length === 0) return null
  const { word, bit } = placeOf(field)
  const [unknown = 0, undefinedFields = 0] = header
  return ((unknown | undefinedFields) & bit) !== 0 ? null : (header[word] ?? null)
}

/** A rule for each bit of each digit: which digits have that bit. */
function digitRules(text: string): string {
  const having = (bit: number) =>
    Array.from({ length: 16 }, (_, digit) => digit.toString(16))
      .filter((digit) => (Number.parseInt(digit, 16) & (2 ** bit)) !== 0)
      .join('')
  const rules = Array.from({ length: DIGITS }, (_, n) =>
    [0, 1, 2, 3].map((bit) => `rule digit_${n}_${bit} { condition: ${text} matches /^.{${n}}[${having(bit)}]/ }`),
  )
  return [
    'import "pe"',
    'import "hash"',
    `rule is_hash { condition: ${text} matches /^[0-9a-f]{${DIGITS}}$/ }`,
    ...rules.flat(),
  ].join('\n')
}
