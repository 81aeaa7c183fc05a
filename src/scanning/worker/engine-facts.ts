import {
  ENTRY_BYTES,
  type EngineFacts,
  encodeProgram,
  type FieldValue,
  noProgram,
  nothingKnown,
  type ProgramField,
  programFields,
} from '../../index/index.ts'
import { type CompiledRules, type Engine, noVariables } from '../engine.ts'
import type { Task } from './task.ts'

/** Signers beyond these are not read; programs have one or two. */
const MOST_SIGNERS = 4
const BITS = 32

const MZ = Buffer.from('MZ', 'latin1')
/** Where a DOS header says at which offset the header of the program begins. */
const HEADER_AT = 0x3c

/**
 * Asks the engine who signed a sample, and what the header of a Windows program says.
 *
 * The binding gives no values of modules, only which rules hold. So there is a rule for every bit of a number, or of the
 * hash of a text (`signerHash` of the index is the engine's `hash.crc32`), and the value is put together from those that
 * hold. What simply stands in the header is read there, and one rule says where the engine reads something else: a rule
 * that holds costs some microseconds, one that does not hold next to nothing.
 */
export class EngineFactsReader {
  readonly #engine: Engine
  #rules: CompiledRules | null = null

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** What is no Windows program has neither. Nothing is known where a worker was lost over asking the engine. */
  read(task: Task, bytes: Buffer): EngineFacts {
    if (!isWindowsProgram(bytes)) return noProgram
    if (!task.exclusions.allowed.signers) return nothingKnown
    task.note('signers', { allowedMs: task.scanMs(bytes.length) + task.compileMs })
    this.#rules ??= this.#engine.compile(rulesText)
    const holding = new Set(this.#rules.scan(bytes, noVariables).map(({ rule }) => rule))
    return { signers: signersOf(holding), program: programOf(holding, bytes) }
  }
}

/** No other sample has signers, or a program. */
export function isWindowsProgram(head: Buffer): boolean {
  return head.subarray(0, MZ.length).equals(MZ)
}

type Holding = ReadonlySet<string>

/** The hashes of the serial numbers of `pe.signatures[]`, ascending; null where there are too many. */
function signersOf(holding: Holding): Uint32Array | null {
  if (holding.has('more')) return null
  const hashes = new Set<number>()
  for (let i = 0; i < MOST_SIGNERS; i++) if (holding.has(`signer_${i}`)) hashes.add(bitsOf(holding, `signer_${i}`))
  return Uint32Array.from(hashes).sort()
}

function bitsOf(holding: Holding, name: string): number {
  let value = 0
  for (let bit = 0; bit < BITS; bit++) if (holding.has(`${name}_${bit}`)) value += 2 ** bit
  return value
}

/** Numbers that stand in the header as they are: how far from its beginning, and how many bits. */
const inHeader: ReadonlyMap<ProgramField, readonly [offset: number, bits: 8 | 16 | 32]> = new Map([
  ['machine', [4, 16]],
  ['number_of_sections', [6, 16]],
  ['timestamp', [8, 32]],
  ['characteristics', [22, 16]],
  ['linker_version.major', [26, 8]],
  ['linker_version.minor', [27, 8]],
  ['entry_point_raw', [40, 32]],
  ['checksum', [88, 32]],
  ['subsystem', [92, 16]],
  ['dll_characteristics', [94, 16]],
])

const hashed: ReadonlyMap<ProgramField, string> = new Map([
  ['imphash()', 'pe.imphash()'],
  ['rich_signature.clear_data', 'hash.md5(pe.rich_signature.clear_data)'],
])
const isYesOrNo = (field: ProgramField) => field.startsWith('is_')

/** None of the fields has a value where the engine takes it for no program. */
function programOf(holding: Holding, bytes: Buffer): Uint32Array {
  const values = Object.fromEntries(
    programFields.map((field, n) => [field, fieldValue(holding, field, `field_${n}`, bytes)]),
  ) as Record<ProgramField, FieldValue>
  const isNone = programFields.every((field) => values[field] === (field === 'is_pe' ? 0 : 'undefined'))
  if (isNone) return new Uint32Array(0)
  const at = values.entry_point
  return encodeProgram(values, typeof at === 'number' ? bytes.subarray(at, at + ENTRY_BYTES) : new Uint8Array(0))
}

function fieldValue(holding: Holding, field: ProgramField, rule: string, bytes: Buffer): FieldValue {
  if (holding.has(`${rule}_undefined`)) return 'undefined'
  if (holding.has(`${rule}_other`)) return 'unknown'
  const place = inHeader.get(field)
  if (place === undefined) return bitsOf(holding, rule)
  const [offset, bits] = place
  const at = bytes.length < HEADER_AT + 4 ? bytes.length : bytes.readUInt32LE(HEADER_AT) + offset
  return at + bits / 8 > bytes.length ? 'unknown' : bytes.readUIntLE(at, bits / 8)
}

const rulesText = [
  'import "pe"',
  'import "hash"',
  `rule more { condition: pe.number_of_signatures > ${MOST_SIGNERS} or defined pe.signatures[${MOST_SIGNERS}].serial }`,
  ...Array.from({ length: MOST_SIGNERS }, (_, i) => {
    const serial = `pe.signatures[${i}].serial`
    return [`rule signer_${i} { condition: defined ${serial} }`, ...bitRules(`signer_${i}`, `hash.crc32(${serial})`)]
  }).flat(),
  ...programFields.flatMap((field, n) => fieldRules(field, `field_${n}`)),
].join('\n')

/** `field_3_undefined`, `field_3_other` where its value is not what is read, and its bits. */
function fieldRules(field: ProgramField, rule: string): string[] {
  const text = hashed.get(field)
  const subject = text ?? `pe.${field}`
  const undefinedRule = `rule ${rule}_undefined { condition: not defined ${subject} }`
  if (isYesOrNo(field)) return [undefinedRule, `rule ${rule}_0 { condition: ${subject} }`]
  if (text !== undefined) return [undefinedRule, ...bitRules(rule, `hash.crc32(${text})`)]
  const place = inHeader.get(field)
  if (place !== undefined) {
    const [offset, bits] = place
    const read = `uint${bits}(uint32(${HEADER_AT}) + ${offset})`
    return [undefinedRule, `rule ${rule}_other { condition: ${subject} != ${read} }`]
  }
  const other = `rule ${rule}_other { condition: ${subject} < 0 or ${subject} >= ${2 ** BITS} }`
  return [undefinedRule, other, ...bitRules(rule, subject)]
}

function bitRules(rule: string, number: string): string[] {
  return Array.from({ length: BITS }, (_, bit) => `rule ${rule}_${bit} { condition: ${number} & ${2 ** bit} != 0 }`)
}
