/**
 * Damage to the write-ahead log. SQLite reads the log up to the first frame that does not fit and takes that for its end:
 * after a power cut it is. When a frame in the middle was changed, the transactions behind it are lost without a word.
 *
 * The log is a header of 32 bytes and frames of a header of 24 bytes and a page each (https://sqlite.org/fileformat2.html,
 * "The Write-Ahead Log"). Frames carry the salts of the header and a checksum over all frames before them; the last frame
 * of a transaction carries the size of the database. Each transaction is synced before the next one begins, so a power
 * cut leaves at most one that is not whole. Where two transactions end behind a frame that does not fit, the first of
 * them was committed.
 */
import { closeSync, openSync, readSync } from 'node:fs'

const HEADER = 32
const FRAME_HEADER = 24
/** The magic number; its last bit says that checksums are over big-endian words. */
const MAGIC = 0x377f0682
/** Of every database that this program makes. */
const PAGE_BYTES = 4096

/** What is wrong with the log of the database file that nobody has open; null for nothing, and without a log. */
export function damageOfLog(databaseFile: string): string | null {
  let log: number
  try {
    log = openSync(`${databaseFile}-wal`, 'r')
  } catch (error) {
    // Whatever else keeps it from being read, SQLite will meet it too.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : `its log cannot be read (${String(error)})`
  }
  try {
    return damageOf((into, at) => readSync(log, into, 0, into.length, at) === into.length)
  } finally {
    closeSync(log)
  }
}

/** `read` fills the buffer with the bytes from a position on; false where there are not so many. */
function damageOf(read: (into: Buffer, at: number) => boolean): string | null {
  const header = Buffer.alloc(HEADER)
  if (!read(header, 0)) return null
  const isBigEndian = header.readUInt32BE(0) === MAGIC + 1
  const checksum = new Checksum(isBigEndian)
  checksum.add(header.subarray(0, 24))
  const isHeaderSound = (isBigEndian || header.readUInt32BE(0) === MAGIC) && checksum.equals(header.subarray(24))
  const pageBytes = isHeaderSound ? header.readUInt32BE(8) : PAGE_BYTES
  const frame = Buffer.alloc(FRAME_HEADER + pageBytes)
  let salts = header.subarray(16, 24)
  let broken = isHeaderSound ? 0 : 1
  let lost = 0
  for (let n = 1; read(frame, HEADER + (n - 1) * frame.length); n++) {
    // With the header, its salts may be wrong.
    if (n === 1 && !isHeaderSound) salts = Buffer.from(frame.subarray(8, 16))
    const isOfThisLog = frame.subarray(8, 16).equals(salts)
    if (broken === 0) {
      checksum.add(frame.subarray(0, 8))
      checksum.add(frame.subarray(FRAME_HEADER))
      if (isOfThisLog && checksum.equals(frame.subarray(16))) continue
      broken = n
    }
    const isEndOfTransaction = isOfThisLog && frame.readUInt32BE(4) !== 0
    if (isEndOfTransaction) lost++
  }
  if (lost < 2) return null
  return isHeaderSound
    ? `frame ${broken} of its log was changed, and up to ${lost} transactions behind it cannot be read`
    : `the header of its log was changed, and up to ${lost} transactions behind it cannot be read`
}

/** Two running sums over words of 32 bits, taken in pairs. */
class Checksum {
  readonly #isBigEndian: boolean
  #first = 0
  #second = 0

  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian
  }

  /** Of a multiple of eight bytes. */
  add(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const isLittle = !this.#isBigEndian
    let first = this.#first
    let second = this.#second
    for (let at = 0; at < bytes.length; at += 8) {
      first = (first + view.getInt32(at, isLittle) + second) | 0
      second = (second + view.getInt32(at + 4, isLittle) + first) | 0
    }
    this.#first = first
    this.#second = second
  }

  /** Whether the sums are those that stand, big-endian, at the beginning of `bytes`. */
  equals(bytes: Buffer): boolean {
    return bytes.readInt32BE(0) === this.#first && bytes.readInt32BE(4) === this.#second
  }
}
