import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type BitTile, type ColumnRun, emptyTile, type PlacedRun } from './bit-tile.ts'
import { BlockWriter } from './block-file.ts'
import { type WindowKind, windowKinds } from './gram.ts'
import { PROGRAM_UNKNOWN, PROGRAM_WORDS, type ProgramColumns, programsBySample } from './program.ts'
import { digestBytes, encodeDirectory, type GroupEntry, type HashAlgorithm, transposedCount } from './segment-format.ts'
import { HEAD_BYTES } from './signature.ts'
import { SIGNERS_UNKNOWN, type SignerColumns, signersBySample, signersIn } from './signers.ts'

/**
 * Puts a segment together from columns of signatures, wherever these come from: records in memory, or the groups of
 * other segments. The file depends only on which samples it holds, so a segment that was merged ten times is byte for
 * byte the one that would have been written at once.
 *
 * For every size of signature, the bits are made tile by tile: a tile is some rows of all samples of that size, side by
 * side. Each source gives its part of the rows, and runs of samples that stay are copied to their place; so memory is
 * bounded by the tile, not by the segment.
 */

/** Signatures of one size and one kind of windows, as columns in ascending order of id; a `SegmentGroup` is one. */
export interface SignatureColumns {
  readonly bits: number
  readonly kind: WindowKind
  readonly count: number
  readonly ids: Uint32Array
  readonly sizes: Float64Array
  head(position: number): Uint8Array
  digests(algorithm: HashAlgorithm): Uint8Array
  /** Null where nothing is known of any. */
  signers(): SignerColumns | null
  /** Null where nothing is known of any. */
  programs(): ProgramColumns | null
  /** The bit arrays of `count` samples from sample `from` on, one after the other. */
  signatures(from: number, count: number): Uint8Array
  /**
   * Copies the bits of some samples, runs of positions here, for the signature bits `first` to `first + rows - 1` (both
   * multiples of eight): to their columns of `target`, a row for each bit.
   */
  copyColumns(runs: readonly PlacedRun[], first: number, rows: number, target: BitTile): void
}

/** What a segment file holds. */
export interface SegmentSummary {
  readonly samples: number
  readonly firstId: number
  readonly lastId: number
  /** Size of the file. */
  readonly bytes: number
}

/** How much of a size class is put together at once. */
const TILE_BYTES = 4 << 20

/** What a segment is made of. */
export interface AssemblySource {
  readonly columns: SignatureColumns
  /** Ids that are left out of it, ascending. */
  readonly without: Uint32Array
}

/**
 * Writes the segment of all samples that the sources give. No sample may come from two of them. The file appears complete and
 * synced. Null, and no file, when no sample is left.
 */
export function assembleSegment(path: string, sources: readonly AssemblySource[]): SegmentSummary | null {
  const classes = sizeClasses(sources)
  const samples = classes.reduce((sum, { count }) => sum + count, 0)
  if (samples === 0) return null
  const temporary = `${path}.writing`
  rmSync(temporary, { force: true })
  const writer = new BlockWriter(temporary)
  try {
    const groups = classes.flatMap(groupsOf)
    writer.write(encodeDirectory(groups))
    const { ids, signers, programs } = writeFacts(writer, classes, samples)
    for (const sizeClass of classes) if (sizeClass.bits > 0) writeBits(writer, sizeClass)
    const firstId = ids.reduce((lowest, id) => Math.min(lowest, id))
    const lastId = ids.reduce((highest, id) => Math.max(highest, id))
    const bytes = writer.finish({ samples, signers, programs, firstId, lastId, groups: groups.length })
    renameSync(temporary, path)
    syncFolder(dirname(path))
    return { samples, firstId, lastId, bytes }
  } finally {
    writer.close()
    rmSync(temporary, { force: true })
  }
}

/** All samples with signatures of one size and one kind of windows. */
interface SizeClass {
  readonly bits: number
  readonly kind: WindowKind
  readonly count: number
  readonly parts: readonly Part[]
}

/** A source, and which of its samples stay: ascending, and where they stand among all of their class. */
interface Part {
  readonly source: SignatureColumns
  readonly runs: readonly PlacedRun[]
}

function sizeClasses(sources: readonly AssemblySource[]): SizeClass[] {
  return [...Map.groupBy(sources, ({ columns: { bits, kind } }) => bits + windowKinds.indexOf(kind)).entries()]
    .sort(([a], [b]) => a - b)
    .map(([, ofSize]) => {
      const { bits, kind } = (ofSize[0] as AssemblySource).columns
      const parts = placed(
        ofSize.map(({ columns, without }) => ({ source: columns, runs: remainingRuns(columns.ids, without) })),
      )
      return { bits, kind, parts, count: parts.reduce((sum, { runs }) => sum + lengthOf(runs), 0) }
    })
    .filter(({ count }) => count > 0)
}

/** Gives the samples of several sources their columns, in ascending order of id. */
function placed(parts: readonly { readonly source: SignatureColumns; readonly runs: readonly ColumnRun[] }[]): Part[] {
  const cursors = parts
    .filter(({ runs }) => runs.length > 0)
    .map(({ source, runs }) => ({ source, left: runs.toReversed(), placed: [] as PlacedRun[] }))
  const nextId = ({ source, left }: (typeof cursors)[number]) => source.ids[left.at(-1)?.from ?? -1] as number
  let column = 0
  for (let open = [...cursors]; open.length > 0; open = open.filter(({ left }) => left.length > 0)) {
    open.sort((a, b) => nextId(a) - nextId(b))
    const [first, second] = open as [(typeof cursors)[number], (typeof cursors)[number] | undefined]
    const border = second === undefined ? Number.POSITIVE_INFINITY : nextId(second)
    if (border === nextId(first)) throw new RangeError(`sample ${border} is in two segments`)
    // All that comes before the next sample of another source.
    for (let run = first.left.pop(); run !== undefined; run = first.left.pop()) {
      let to = run.from
      while (to < run.to && (first.source.ids[to] as number) < border) to++
      if (to > run.from) first.placed.push({ from: run.from, to, column })
      column += to - run.from
      if (to < run.to) {
        first.left.push({ from: to, to: run.to })
        break
      }
    }
  }
  return cursors.map(({ source, placed }) => ({ source, runs: placed }))
}

/** The runs of positions in `ids` that are not in `without`; both ascend. */
function remainingRuns(ids: Uint32Array, without: Uint32Array): ColumnRun[] {
  const runs: ColumnRun[] = []
  let from = 0
  let w = 0
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number
    while (w < without.length && (without[w] as number) < id) w++
    if (without[w] !== id) continue
    if (i > from) runs.push({ from, to: i })
    from = i + 1
  }
  if (ids.length > from) runs.push({ from, to: ids.length })
  return runs
}

function groupsOf({ bits, kind, count }: SizeClass): GroupEntry[] {
  if (bits === 0) return [{ bits, kind, count, layout: 'unfiltered' }]
  const transposed = transposedCount(count)
  const groups: GroupEntry[] = []
  if (transposed > 0) groups.push({ bits, kind, count: transposed, layout: 'transposed' })
  if (count > transposed) groups.push({ bits, kind, count: count - transposed, layout: 'loose' })
  return groups
}

/** Writes the columns of facts. Returns the ids, which it checks to ascend within each class, and the numbers for the header. */
function writeFacts(
  writer: BlockWriter,
  classes: readonly SizeClass[],
  samples: number,
): { readonly ids: Uint32Array; readonly signers: number; readonly programs: number } {
  const writeColumn = (width: number, columnOf: (source: SignatureColumns) => Uint8Array): Uint8Array => {
    const values = new Uint8Array(samples * width)
    forEachPart(classes, (source, runs, start) => {
      const some = columnOf(source)
      for (const { from, to, column } of runs)
        values.set(some.subarray(from * width, to * width), (start + column) * width)
    })
    writer.write(values)
    return values
  }
  const ids = new Uint32Array(writeColumn(4, ({ ids }) => bytesOf(ids)).buffer)
  let slot = 0
  for (const { count } of classes) {
    for (const end = slot + count; ++slot < end; )
      if ((ids[slot] as number) <= (ids[slot - 1] as number)) throw new RangeError('sample ids must ascend')
  }
  writeColumn(8, ({ sizes }) => bytesOf(sizes))
  for (let position = 0; position < HEAD_BYTES; position++) writeColumn(1, (source) => source.head(position))
  for (const algorithm of ['md5', 'sha1', 'sha256'] as const)
    writeColumn(digestBytes[algorithm], (source) => source.digests(algorithm))
  const signers = writeSigners(writer, classes, samples)
  return { ids, signers, programs: writePrograms(writer, classes, samples) }
}

/** Returns how many hashes there are. */
function writeSigners(writer: BlockWriter, classes: readonly SizeClass[], samples: number): number {
  const counts = new Uint8Array(samples).fill(SIGNERS_UNKNOWN)
  const hashesOf: Uint32Array[] = Array(samples)
  forEachPart(classes, (source, runs, start) => {
    const of = signersBySample(source.signers())
    for (const { from, to, column } of runs) {
      for (let s = from; s < to; s++) {
        const signers = of(s)
        if (signers === null) continue
        const target = start + column + s - from
        counts[target] = signers.length
        if (signers.length > 0) hashesOf[target] = signers
      }
    }
  })
  writer.write(counts)
  // Holes are passed over: hardly any sample is signed.
  hashesOf.forEach((hashes) => {
    writer.write(bytesOf(hashes))
  })
  return signersIn(counts)
}

/** Returns how many programs there are. */
function writePrograms(writer: BlockWriter, classes: readonly SizeClass[], samples: number): number {
  const kinds = new Uint8Array(samples).fill(PROGRAM_UNKNOWN)
  const programs: Uint32Array[] = Array(samples)
  forEachPart(classes, (source, runs, start) => {
    const of = programsBySample(source.programs())
    for (const { from, to, column } of runs) {
      for (let s = from; s < to; s++) {
        const program = of(s)
        if (program === null) continue
        const target = start + column + s - from
        kinds[target] = Math.min(1, program.length)
        if (program.length > 0) programs[target] = program
      }
    }
  })
  writer.write(kinds)
  const present = Object.values(programs)
  for (let word = 0; word < PROGRAM_WORDS; word++)
    writer.write(bytesOf(Uint32Array.from(present, (program) => program[word] as number)))
  return present.length
}

/** Visits the sources class after class, with the column at which the class begins. */
function forEachPart(
  classes: readonly SizeClass[],
  visit: (source: SignatureColumns, runs: readonly PlacedRun[], start: number) => void,
): void {
  let start = 0
  for (const { parts, count } of classes) {
    for (const { source, runs } of parts) visit(source, runs, start)
    start += count
  }
}

function bytesOf(values: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** Writes a class's transposed rows, and behind them the signatures of the samples that stay loose. */
function writeBits(writer: BlockWriter, { bits, count, parts }: SizeClass): void {
  const transposed = transposedCount(count)
  const [inRows, loose] = splitAt(parts, transposed)
  if (transposed > 0) {
    const rowsAtOnce = Math.max(8, Math.floor((TILE_BYTES * 8) / transposed) & ~7)
    for (let first = 0; first < bits; first += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, bits - first)
      const tile = emptyTile(rows, transposed)
      for (const { source, runs } of inRows) source.copyColumns(runs, first, rows, tile)
      writer.write(tile.bytes)
    }
  }
  const inOrder = loose
    .flatMap(({ source, runs }) => runs.map((run) => ({ source, ...run })))
    .sort((a, b) => a.column - b.column)
  for (const { source, from, to } of inOrder) writer.write(source.signatures(from, to - from))
}

/** The samples before this column, and the rest. */
function splitAt(parts: readonly Part[], border: number): [before: Part[], after: Part[]] {
  const before: Part[] = []
  const after: Part[] = []
  for (const { source, runs } of parts) {
    const first: PlacedRun[] = []
    const rest: PlacedRun[] = []
    for (const run of runs) {
      const cut = Math.min(run.to, Math.max(run.from, run.from + border - run.column))
      if (cut > run.from) first.push({ ...run, to: cut })
      if (cut < run.to) rest.push({ from: cut, to: run.to, column: run.column + cut - run.from })
    }
    if (first.length > 0) before.push({ source, runs: first })
    if (rest.length > 0) after.push({ source, runs: rest })
  }
  return [before, after]
}

function lengthOf(runs: readonly ColumnRun[]): number {
  return runs.reduce((length, { from, to }) => length + to - from, 0)
}

/** A renamed file survives a power cut only when its folder is synced too. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
