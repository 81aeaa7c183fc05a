import { type BitTile, copyRuns, gatherColumn, type PlacedRun, scatterColumn } from './bit-tile.ts'
import { BlockReader } from './block-file.ts'
import type { WindowKind } from './gram.ts'
import { type ProgramColumns, programsBySample, programsIn } from './program.ts'
import {
  DIRECTORY_ENTRY_BYTES,
  damaged,
  decodeDirectory,
  digestBytes,
  type GroupEntry,
  type HashAlgorithm,
  type Layout,
  type SectionOffsets,
  sectionOffsets,
} from './segment-format.ts'
import { encodeSignature, HEAD_BYTES, type SignatureParts } from './signature.ts'
import { type SignerColumns, signersBySample, signersIn } from './signers.ts'

/** Rows that lie closer together than this are read in one go: reading on costs less than another system call. */
const GAP_BYTES = 8192
const LONGEST_READ = 1 << 20
/** How much memory `records` may take for signatures that are being put together. */
const RECORDS_BYTES = 16 << 20

/** Samples of a segment whose signatures have the same size and the same kind of windows. All columns of a group are in the same order. */
export interface SegmentGroup {
  /** M; 0: these samples have no bits and are candidates for every gram. */
  readonly bits: number
  /** Which windows have their bits among the bits; of the others nothing is known. */
  readonly kind: WindowKind
  readonly layout: Layout
  readonly count: number
  /** 32-bit words of a row of this group: `ceil(count / 32)`. */
  readonly words: number
  /** Sample ids, ascending within the group. */
  readonly ids: Uint32Array
  /** Sample sizes in bytes. */
  readonly sizes: Float64Array
  /** Byte `position` (below HEAD_BYTES) of every sample; 0 where the sample is shorter: look at `sizes`. */
  head(position: number): Uint8Array
  /** The digests, one after the other: `count` times 16, 20 or 32 bytes. */
  digests(algorithm: HashAlgorithm): Uint8Array
  /** The signers; null where the file tells nothing of them. The same object each time. */
  signers(): SignerColumns | null
  /** The programs; null where the file tells nothing of them. The same object each time. */
  programs(): ProgramColumns | null
  /**
   * Reads rows: bit `s & 31` of word `i * words + (s >> 5)` of `into` tells whether sample `s` of the group has bit
   * `rows[i]` (of `bitOf(hash, group.bits)`). `rows` must ascend (repeats allowed); bits at and beyond `count` are 0.
   * Neighbouring rows are read together. A group without bits has them all. @throws Failure `segment.damaged`
   */
  readRows(rows: Uint32Array, into: Uint32Array): void
  /** The bit arrays of `count` samples from sample `from` on, one after the other. For merging and checks. */
  signatures(from: number, count: number): Uint8Array
  /** Copies part of the bits, for merging: see `SignatureColumns`. */
  copyColumns(runs: readonly PlacedRun[], first: number, rows: number, target: BitTile): void
}

/** An open segment file. Columns of facts are kept in memory once read; rows are not. */
export class SegmentReader {
  readonly path: string
  readonly samples: number
  readonly firstId: number
  readonly lastId: number
  /** Size of the file. */
  readonly bytes: number
  readonly groups: readonly SegmentGroup[]
  readonly #file: BlockReader

  /** Checks header, directory and length. @throws Failure `segment.damaged`, also when the file is missing. */
  static open(path: string): SegmentReader {
    const file = new BlockReader(path)
    try {
      return new SegmentReader(file)
    } catch (error) {
      file.close()
      throw error
    }
  }

  private constructor(file: BlockReader) {
    const { samples, firstId, lastId, groups, bodyBytes } = file.header
    this.#file = file
    this.path = file.path
    this.samples = samples
    this.firstId = firstId
    this.lastId = lastId
    this.bytes = file.fileBytes
    const directoryBytes = groups * DIRECTORY_ENTRY_BYTES
    if (directoryBytes > bodyBytes) throw damaged(file.path, 'its directory does not fit')
    const entries = decodeDirectory(file.read(0, directoryBytes), file.path)
    const offsets = sectionOffsets(file.header, entries)
    const counted = entries.reduce((sum, entry) => sum + entry.count, 0)
    if (offsets.end !== bodyBytes || counted !== samples) throw damaged(file.path, 'its directory does not add up')
    const columns = new Columns(file, samples, offsets)
    let slot = 0
    this.groups = entries.map((entry, i) => {
      const group = new Group(file, columns, entry, slot, offsets.bits[i] as number)
      slot += entry.count
      return group
    })
  }

  /** Reads everything and verifies every checksum. @throws Failure `segment.damaged` */
  check(): void {
    this.#file.verifyAll()
  }

  /**
   * Every sample's signature record, group by group and by ascending id within a group. Reads the whole segment,
   * some of it several times where signatures are large; meant for checks and tests.
   */
  *records(): Generator<{ readonly id: number; readonly record: Uint8Array }> {
    for (const group of this.groups) {
      const facts = factsOf(group)
      const recordBytes = group.bits / 8
      const atOnce = Math.max(1, Math.floor(RECORDS_BYTES / Math.max(1, recordBytes)))
      for (let from = 0; from < group.count; from += atOnce) {
        const count = Math.min(atOnce, group.count - from)
        const bits = group.signatures(from, count)
        for (let i = 0; i < count; i++)
          yield {
            id: group.ids[from + i] as number,
            record: encodeSignature({
              ...facts(from + i),
              bytes: bits.subarray(i * recordBytes, (i + 1) * recordBytes),
              kind: group.kind,
            }),
          }
      }
    }
  }

  close(): void {
    this.#file.close()
  }
}

/** The facts of all samples of a segment, each column read when it is first asked for. */
class Columns {
  readonly #file: BlockReader
  readonly #samples: number
  readonly #offsets: SectionOffsets
  readonly #heads: Uint8Array[] = []
  #ids: Uint32Array | undefined
  #sizes: Float64Array | undefined
  #signers: SignerColumns | null | undefined
  #programs: Uint8Array | null | undefined
  readonly #programWords: Uint32Array[] = []

  constructor(file: BlockReader, samples: number, offsets: SectionOffsets) {
    this.#file = file
    this.#samples = samples
    this.#offsets = offsets
  }

  get ids(): Uint32Array {
    this.#ids ??= new Uint32Array(this.#file.read(this.#offsets.ids, 4 * this.#samples).buffer)
    return this.#ids
  }

  get sizes(): Float64Array {
    this.#sizes ??= new Float64Array(this.#file.read(this.#offsets.sizes, 8 * this.#samples).buffer)
    return this.#sizes
  }

  head(position: number): Uint8Array {
    let column = this.#heads[position]
    if (column === undefined) {
      column = this.#file.read(this.#offsets.heads + position * this.#samples, this.#samples)
      this.#heads[position] = column
    }
    return column
  }

  get signers(): SignerColumns | null {
    if (this.#signers === undefined) {
      const { signers } = this.#file.header
      this.#signers = signers === null ? null : this.#readSigners(signers)
    }
    return this.#signers
  }

  #readSigners(total: number): SignerColumns {
    const counts = this.#file.read(this.#offsets.signers, this.#samples)
    const hashes = new Uint32Array(this.#file.read(this.#offsets.signerHashes, 4 * total).buffer)
    if (signersIn(counts) !== total) throw damaged(this.#file.path, 'its signers do not add up')
    return { counts, hashes }
  }

  /** For each sample whether it has a program; null where the file tells nothing of them. */
  get programs(): Uint8Array | null {
    if (this.#programs === undefined) {
      const { programs } = this.#file.header
      this.#programs = programs === null ? null : this.#file.read(this.#offsets.programs, this.#samples)
      if (this.#programs !== null && programsIn(this.#programs) !== programs)
        throw damaged(this.#file.path, 'its programs do not add up')
    }
    return this.#programs
  }

  /** One word of all programs. */
  programWord(word: number): Uint32Array {
    let column = this.#programWords[word]
    if (column === undefined) {
      const bytes = 4 * (this.#file.header.programs ?? 0)
      column = new Uint32Array(this.#file.read(this.#offsets.programWords + word * bytes, bytes).buffer)
      this.#programWords[word] = column
    }
    return column
  }

  /** Not kept: rules that ask for a hash are rare, and the columns are large. */
  digests(algorithm: HashAlgorithm, slot: number, count: number): Uint8Array {
    const length = digestBytes[algorithm]
    return this.#file.read(this.#offsets.digests[algorithm] + slot * length, count * length)
  }
}

class Group implements SegmentGroup {
  readonly bits: number
  readonly kind: WindowKind
  readonly layout: Layout
  readonly count: number
  readonly words: number
  readonly #file: BlockReader
  readonly #columns: Columns
  readonly #slot: number
  readonly #start: number
  readonly #rowBytes: number
  #ids: Uint32Array | undefined
  #signers: SignerColumns | undefined
  #programs: ProgramColumns | undefined

  constructor(file: BlockReader, columns: Columns, entry: GroupEntry, slot: number, start: number) {
    this.bits = entry.bits
    this.kind = entry.kind
    this.layout = entry.layout
    this.count = entry.count
    this.words = Math.ceil(entry.count / 32)
    this.#rowBytes = Math.ceil(entry.count / 8)
    this.#file = file
    this.#columns = columns
    this.#slot = slot
    this.#start = start
  }

  get ids(): Uint32Array {
    this.#ids ??= this.#columns.ids.subarray(this.#slot, this.#slot + this.count)
    return this.#ids
  }

  get sizes(): Float64Array {
    return this.#columns.sizes.subarray(this.#slot, this.#slot + this.count)
  }

  head(position: number): Uint8Array {
    if (!(position >= 0 && position < HEAD_BYTES)) throw new RangeError(`byte ${position} is not stored`)
    return this.#columns.head(position).subarray(this.#slot, this.#slot + this.count)
  }

  digests(algorithm: HashAlgorithm): Uint8Array {
    return this.#columns.digests(algorithm, this.#slot, this.count)
  }

  signers(): SignerColumns | null {
    const all = this.#columns.signers
    if (all === null) return null
    this.#signers ??= this.#signersAmong(all)
    return this.#signers
  }

  #signersAmong({ counts, hashes }: SignerColumns): SignerColumns {
    const own = counts.subarray(this.#slot, this.#slot + this.count)
    const before = signersIn(counts.subarray(0, this.#slot))
    return { counts: own, hashes: hashes.subarray(before, before + signersIn(own)) }
  }

  programs(): ProgramColumns | null {
    const all = this.#columns.programs
    if (all === null) return null
    this.#programs ??= this.#programsAmong(all)
    return this.#programs
  }

  #programsAmong(all: Uint8Array): ProgramColumns {
    const kinds = all.subarray(this.#slot, this.#slot + this.count)
    const before = programsIn(all.subarray(0, this.#slot))
    const count = programsIn(kinds)
    return { kinds, column: (word) => this.#columns.programWord(word).subarray(before, before + count) }
  }

  readRows(rows: Uint32Array, into: Uint32Array): void {
    const cells = rows.length * this.words
    if (into.length < cells) throw new RangeError('the array for the rows is too short')
    into.fill(0, 0, cells)
    if (this.layout === 'transposed') this.#readTransposedRows(rows, new Uint8Array(into.buffer, into.byteOffset))
    else if (this.layout === 'loose') this.#readLooseRows(rows, into)
    else for (let i = 0; i < rows.length; i++) setAll(into, i * this.words, this.count)
  }

  #readTransposedRows(rows: Uint32Array, into: Uint8Array): void {
    const rowBytes = this.#rowBytes
    const stride = this.words * 4
    for (let i = 0; i < rows.length; ) {
      const first = rows[i] as number
      const end = lastOfRun(rows, i, rowBytes)
      const { buffer, start } = this.#file.view(
        this.#start + first * rowBytes,
        ((rows[end] as number) - first + 1) * rowBytes,
      )
      for (; i <= end; i++) {
        const from = start + ((rows[i] as number) - first) * rowBytes
        const to = i * stride
        // Below some hundred bytes a plain loop is quicker than making a subarray to copy from.
        if (rowBytes > 256) into.set(buffer.subarray(from, from + rowBytes), to)
        else for (let b = 0; b < rowBytes; b++) into[to + b] = buffer[from + b] as number
      }
    }
  }

  #readLooseRows(rows: Uint32Array, into: Uint32Array): void {
    const signatureBytes = this.bits / 8
    for (let s = 0; s < this.count; s++) {
      const signature = this.#start + s * signatureBytes
      const word = s >>> 5
      for (let i = 0; i < rows.length; ) {
        const first = (rows[i] as number) >>> 3
        const end = lastOfRun(rows, i, 1 / 8)
        const { buffer, start } = this.#file.view(signature + first, ((rows[end] as number) >>> 3) - first + 1)
        for (; i <= end; i++) {
          const row = rows[i] as number
          const bit = ((buffer[start + (row >>> 3) - first] as number) >>> (row & 7)) & 1
          const cell = i * this.words + word
          into[cell] = (into[cell] as number) | (bit << (s & 31))
        }
      }
    }
  }

  signatures(from: number, count: number): Uint8Array {
    const signatureBytes = this.bits / 8
    if (this.layout === 'loose') return this.#file.read(this.#start + from * signatureBytes, count * signatureBytes)
    const signatures = new Uint8Array(count * signatureBytes)
    if (this.layout === 'unfiltered') return signatures
    const rowsAtOnce = Math.max(8, Math.floor(LONGEST_READ / this.#rowBytes) & ~7)
    for (let first = 0; first < this.bits; first += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, this.bits - first)
      const tile = this.#tile(first, rows)
      for (let i = 0; i < count; i++) {
        const signature = signatures.subarray(i * signatureBytes, (i + 1) * signatureBytes)
        gatherColumn(tile, from + i, signature.subarray(first / 8, (first + rows) / 8))
      }
    }
    return signatures
  }

  copyColumns(runs: readonly PlacedRun[], first: number, rows: number, target: BitTile): void {
    if (this.layout === 'transposed') copyRuns(this.#tile(first, rows), runs, target)
    else if (this.layout === 'loose')
      for (const { from, to, column } of runs)
        for (let s = from; s < to; s++) {
          const { buffer, start } = this.#file.view(this.#start + (s * this.bits + first) / 8, rows / 8)
          scatterColumn(buffer.subarray(start, start + rows / 8), target, column + s - from)
        }
  }

  #tile(first: number, rows: number): BitTile {
    const rowBytes = this.#rowBytes
    return { rowBytes, rows, bytes: this.#file.read(this.#start + first * rowBytes, rows * rowBytes) }
  }
}

/** The index of the last row that is read together with `rows[from]`; `rowBytes` is how far apart rows lie. */
function lastOfRun(rows: Uint32Array, from: number, rowBytes: number): number {
  const first = rows[from] as number
  let last = from
  while (last + 1 < rows.length) {
    const next = rows[last + 1] as number
    const gap = (next - (rows[last] as number)) * rowBytes
    if (gap > GAP_BYTES + rowBytes || (next - first + 1) * rowBytes > LONGEST_READ) break
    last++
  }
  return last
}

function setAll(words: Uint32Array, start: number, count: number): void {
  words.fill(0xffffffff, start, start + (count >>> 5))
  if ((count & 31) !== 0) words[start + (count >>> 5)] = 2 ** (count & 31) - 1
}

/** The facts of a group's samples, one sample at a time. */
function factsOf(group: SegmentGroup): (s: number) => Omit<SignatureParts, 'bytes' | 'kind'> {
  const heads = Array.from({ length: HEAD_BYTES }, (_, position) => group.head(position))
  const columns = { md5: group.digests('md5'), sha1: group.digests('sha1'), sha256: group.digests('sha256') }
  const digest = (algorithm: HashAlgorithm, s: number) =>
    columns[algorithm].subarray(s * digestBytes[algorithm], (s + 1) * digestBytes[algorithm])
  const signersOf = signersBySample(group.signers())
  const programOf = programsBySample(group.programs())
  return (s) => ({
    size: group.sizes[s] as number,
    head: Uint8Array.from(heads, (column) => column[s] as number),
    md5: digest('md5', s),
    sha1: digest('sha1', s),
    sha256: digest('sha256', s),
    signers: signersOf(s),
    program: programOf(s),
  })
}
