import { crc32 } from 'node:zlib'

/**
 * Signers: who signed a Windows program, as the engine tells.
 *
 * Blocklists of stolen certificates ask `pe.signatures[i].serial == "77:01:…"` hundreds of times over. The bytes of such
 * a number are in the file, but short numbers are in many files, and so are parts of names; what is left then costs the
 * engine the digest of the whole file and the check of a signature, each time. So the serial numbers that it finds are
 * kept beside the bits, as they come out of the engine: nothing of its reading of certificates is done again here.
 *
 * Each is kept as a 32-bit hash. Two numbers with the same hash cost a scan in vain, and no match.
 */

/** The hash of a serial number as the engine prints it: `77:01:9a`. The engine's `hash.crc32` gives the same. */
export function signerHash(serial: string): number {
  return crc32(serial)
}

/** Instead of the number of signers: it is not known. */
export const SIGNERS_UNKNOWN = 255

/** How many signers each sample has, or SIGNERS_UNKNOWN, and their hashes, one after the other. */
export interface SignerColumns {
  readonly counts: Uint8Array
  readonly hashes: Uint32Array
}

/** How many hashes belong to these counts. */
export function signersIn(counts: Uint8Array): number {
  return counts.reduce((sum, count) => sum + (count === SIGNERS_UNKNOWN ? 0 : count), 0)
}

/** The hashes of each sample; null where they are not known. */
export function signersBySample(signers: SignerColumns | null): (s: number) => Uint32Array | null {
  if (signers === null) return () => null
  const { counts, hashes } = signers
  const starts = new Uint32Array(counts.length + 1)
  counts.forEach((count, s) => {
    starts[s + 1] = (starts[s] as number) + (count === SIGNERS_UNKNOWN ? 0 : count)
  })
  return (s) => (counts[s] === SIGNERS_UNKNOWN ? null : hashes.subarray(starts[s], starts[s + 1]))
}
