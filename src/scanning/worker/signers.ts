import { type CompiledRules, type Engine, noVariables } from '../engine.ts'
import type { Task } from './task.ts'

/** Signers beyond these are not read; programs have one or two. */
const MOST_SIGNERS = 4
const HASH_BITS = 32

/** PKCS #7 SignedData (1.2.840.113549.1.7.2), which the engine demands of every signature. */
const SIGNED_DATA = Buffer.from('2a864886f70d010702', 'hex')
const MZ = Buffer.from('MZ', 'latin1')

/**
 * Asks the engine who signed a sample.
 *
 * The binding gives no values of modules, only which rules hold. So there is a rule for every bit of the hash of every
 * signer's serial number (`signerHash` of the index is the engine's `hash.crc32`), and the hash is put together from
 * those that do.
 */
export class SignerReader {
  readonly #engine: Engine
  #rules: CompiledRules | null = null

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * The hashes of the serial numbers of `pe.signatures[]`, ascending; none for what is no signed program. Null where
   * the engine is not to be asked, because a worker was lost over it, and where there are too many.
   */
  read(task: Task, bytes: Buffer): Uint32Array | null {
    if (!isWindowsProgram(bytes) || !bytes.includes(SIGNED_DATA)) return new Uint32Array(0)
    if (!task.exclusions.signers) return null
    task.note('signers', { allowedMs: task.scanMs(bytes.length) + task.compileMs })
    this.#rules ??= this.#engine.compile(rulesText)
    const holding = this.#rules.scan(bytes, noVariables).map(({ rule }) => rule)
    if (holding.includes('more')) return null
    const hashes = new Map<string, number>()
    for (const rule of holding) {
      const [, signer = '', bit = ''] = rule.split('_')
      if (bit === '') hashes.set(signer, hashes.get(signer) ?? 0)
      else hashes.set(signer, ((hashes.get(signer) ?? 0) | (1 << Number(bit))) >>> 0)
    }
    return Uint32Array.from(hashes.values()).sort()
  }
}

/** No other sample has signers. */
export function isWindowsProgram(head: Buffer): boolean {
  return head.subarray(0, MZ.length).equals(MZ)
}

/** `signer_0` says that there is one, `signer_0_7` that bit 7 of its hash is set. */
const rulesText = [
  'import "pe"',
  'import "hash"',
  `rule more { condition: pe.number_of_signatures > ${MOST_SIGNERS} or defined pe.signatures[${MOST_SIGNERS}].serial }`,
  ...Array.from({ length: MOST_SIGNERS }, (_, i) => {
    const serial = `pe.signatures[${i}].serial`
    return [
      `rule signer_${i} { condition: defined ${serial} }`,
      ...Array.from(
        { length: HASH_BITS },
        (_, bit) => `rule signer_${i}_${bit} { condition: hash.crc32(${serial}) & ${2 ** bit} != 0 }`,
      ),
    ].join('\n')
  }),
].join('\n')
