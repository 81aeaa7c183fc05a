/**
 * TLSH, a digest of which similar contents have similar ones (J. Oliver, C. Cheng, Y. Chen, "TLSH – A Locality
 * Sensitive Hash", 2013), in its usual form: 128 buckets, a checksum of one byte, a window of five bytes, version T1.
 *
 * The idea: count what stands near what. From each window of five bytes, six triplets are taken, each with the newest
 * byte, and each triplet is hashed into a bucket. A small change of the content changes few counts, and of each count
 * only the quarter is kept that it is in among all counts: two bits. So most of the digest stays as it was.
 *
 *     window       e d c b a          a is the newest byte
 *     triplets     a b c   a b d   a c d   a c e   a b e   a d e
 *     quartiles    q1 ≤ q2 ≤ q3       of the 128 counts
 *     a bucket     00 up to q1, 01 up to q2, 10 up to q3, 11 above
 *
 * Layout, 35 bytes; of the first three the digits change places, so that 0x12 is written 21:
 *
 *     0   u8    checksum of all pairs of neighbours
 *     1   u8    logarithm of the length
 *     2   u8    100 q1 / q3 and 100 q2 / q3, each modulo 16; the first in the lower digit
 *     3   32    two bits of each bucket: the last bucket first, four in a byte, of those the lowest bits for the first
 */

/** Shorter contents have no digest. */
export const LEAST_BYTES = 50

const WINDOW = 5
const BUCKETS = 128
const HEADER = 3
const DIGEST = HEADER + BUCKETS / 4

/** A permutation of all bytes: P. K. Pearson, "Fast Hashing of Variable-Length Text Strings", 1990. */
const pearson = Uint8Array.fromHex(
  [
    '0157310cb0b266a679c10654f9e62ca30ec5d5b5a155da5040ef18e2ec8e26c8',
    '6eb168678dfdff324d6551122d601fde196bbe4656edf02248f214d6f4e395eb',
    '61ea39163cfa52afd0057fc76f3e87f8aea9d33a429a6ac3f5ab11bbb6b300f3',
    '8438944b80859e64827e5b0d99f6d8db7744df4e5358c9637a0b5c208872340a',
    '8a1e30b79c233d1a8f4afb5e81a23f98aa0773a7f1ce0396373b97dc5a351783',
    '7dad0fee4f5f59106989e1e0d9a0257b7649029d2e74099186e4cfd4cad745e5',
    '1bbc437ca8fc2a041d6c15f713cd27cbe928ba93c6c09b21a4bf62cca5b4754c',
    '8c24d2ac29369f08b9e871c4e72f927833411c90fedd5dbdc28b702b476db8d1',
  ].join(''),
)

/** What the hash of a triplet begins with: its salt, mixed in already. */
const salt = (number: number): number => pearson[number] as number
const CHECKSUM = salt(0)
const ABC = salt(2)
const ABD = salt(3)
const ACD = salt(5)
const ACE = salt(7)
const ABE = salt(11)
const ADE = salt(13)

function mixed(salted: number, x: number, y: number, z: number): number {
  return pearson[(pearson[(pearson[salted ^ x] as number) ^ y] as number) ^ z] as number
}

/** Of a content that comes in parts. */
export class Tlsh {
  /** Of all 256 hashes; those of the first 128 are used. */
  readonly #counts = new Uint32Array(256)
  /** The newest bytes, the newest one first. */
  #newest: [b: number, c: number, d: number, e: number] = [0, 0, 0, 0]
  #length = 0
  #checksum = 0

  update(bytes: Uint8Array): void {
    const counts = this.#counts
    let [b, c, d, e] = this.#newest
    let checksum = this.#checksum
    // The first window is whole with the fifth byte.
    let before = Math.max(0, WINDOW - 1 - this.#length)
    for (let at = 0; at < bytes.length; at++) {
      const a = bytes[at] as number
      if (before > 0) before--
      else {
        checksum = mixed(CHECKSUM, a, b, checksum)
        ;(counts[mixed(ABC, a, b, c)] as number)++
        ;(counts[mixed(ABD, a, b, d)] as number)++
        ;(counts[mixed(ACD, a, c, d)] as number)++
        ;(counts[mixed(ACE, a, c, e)] as number)++
        ;(counts[mixed(ABE, a, b, e)] as number)++
        ;(counts[mixed(ADE, a, d, e)] as number)++
      }
      e = d
      d = c
      c = b
      b = a
    }
    this.#newest = [b, c, d, e]
    this.#checksum = checksum
    this.#length += bytes.length
  }

  /** The 35 bytes; null where the content is too short, or has so little variety that half of the buckets stay empty. */
  digest(): Uint8Array | null {
    if (this.#length < LEAST_BYTES) return null
    const counts = this.#counts.subarray(0, BUCKETS)
    const sorted = counts.toSorted()
    if ((sorted[BUCKETS / 2 - 1] as number) === 0) return null
    const [q1, q2, q3] = [1, 2, 3].map((n) => sorted[(n * BUCKETS) / 4 - 1] as number) as [number, number, number]
    const digest = new Uint8Array(DIGEST)
    digest[0] = swapped(this.#checksum)
    digest[1] = swapped(logarithm(this.#length))
    digest[2] = (ratio(q1, q3) << 4) | ratio(q2, q3)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = counts[bucket] as number
      const quarter = count > q3 ? 3 : count > q2 ? 2 : count > q1 ? 1 : 0
      ;(digest[DIGEST - 1 - (bucket >> 2)] as number) |= quarter << (2 * (bucket & 3))
    }
    return digest
  }
}

/** As everybody writes it: `T1` and 70 digits. */
export function tlshText(digest: Uint8Array): string {
  return `T1${digest.toHex().toUpperCase()}`
}

function swapped(byte: number): number {
  return ((byte & 15) << 4) | (byte >> 4)
}

/** Numbers of the definition are of 32 bits, and rounded so: large ones come out otherwise with 64. */
function ratio(quartile: number, q3: number): number {
  return Math.trunc(Math.fround(Math.fround(100 * quartile) / Math.fround(q3))) % 16
}

/** To the base 1.5, then 1.3, then 1.1, each going on where the one before ends. */
function logarithm(length: number): number {
  const log = Math.fround(Math.log(Math.fround(length)))
  if (length <= 656) return Math.floor(log / 0.4054651)
  if (length <= 3_199) return Math.floor(log / 0.26236426 - 8.72777)
  return Math.floor(log / 0.09531018 - 62.5472) & 255
}
