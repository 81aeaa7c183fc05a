import { type BitTile, type PlacedRun, scatterColumn } from './bit-tile.ts'
import { type WindowKind, windowKinds } from './gram.ts'
import { PROGRAM_UNKNOWN, type ProgramColumns } from './program.ts'
import { assembleSegment, type SegmentSummary, type SignatureColumns } from './segment-assembly.ts'
import { digestBytes, type HashAlgorithm } from './segment-format.ts'
import { SignatureView } from './signature.ts'
import { SIGNERS_UNKNOWN, type SignerColumns } from './signers.ts'

export interface SignedSample {
  readonly id: number
  /** A record of `sign`. */
  readonly record: Uint8Array
}

/**
 * Writes a segment of samples, at least one, in ascending order of id. The file appears at `path` complete and synced
 * (written under a temporary name beside it, then renamed). @throws Failure `signature.damaged`
 */
export function writeSegment(path: string, samples: readonly SignedSample[]): SegmentSummary {
  const views: SignedView[] = []
  let previous = -1
  for (const { id, record } of samples) {
    if (id <= previous) throw new RangeError(`sample ids must ascend: ${id} came after ${previous}`)
    previous = id
    views.push({ id, view: SignatureView.of(record) })
  }
  const alike = Map.groupBy(views, ({ view }) => view.bits + windowKinds.indexOf(view.kind))
  const without = new Uint32Array()
  const sources = [...alike.values()].map((members) => ({ columns: new RecordColumns(members), without }))
  const summary = assembleSegment(path, sources)
  if (summary === null) throw new RangeError('a segment has at least one sample')
  return summary
}

interface SignedView {
  readonly id: number
  readonly view: SignatureView
}

/** Signatures of one size and one kind of windows, in memory, as a segment's group shows them. */
class RecordColumns implements SignatureColumns {
  readonly bits: number
  readonly kind: WindowKind
  readonly count: number
  readonly ids: Uint32Array
  readonly sizes: Float64Array
  readonly #members: readonly SignedView[]

  constructor(members: readonly SignedView[]) {
    const { bits, kind } = (members[0] as SignedView).view
    this.bits = bits
    this.kind = kind
    this.count = members.length
    this.ids = Uint32Array.from(members, ({ id }) => id)
    this.sizes = Float64Array.from(members, ({ view }) => view.size)
    this.#members = members
  }

  head(position: number): Uint8Array {
    return Uint8Array.from(this.#members, ({ view }) => view.head[position] ?? 0)
  }

  digests(algorithm: HashAlgorithm): Uint8Array {
    const length = digestBytes[algorithm]
    const column = new Uint8Array(this.count * length)
    this.#members.forEach(({ view }, s) => {
      column.set(view[algorithm], s * length)
    })
    return column
  }

  signers(): SignerColumns {
    const all = this.#members.map(({ view }) => view.signers)
    return {
      counts: Uint8Array.from(all, (signers) => signers?.length ?? SIGNERS_UNKNOWN),
      hashes: Uint32Array.from(all.flatMap((signers) => [...(signers ?? [])])),
    }
  }

  programs(): ProgramColumns {
    const all = this.#members.map(({ view }) => view.program)
    const programs = all.filter((program) => program !== null && program.length > 0) as Uint32Array[]
    return {
      kinds: Uint8Array.from(all, (program) => (program === null ? PROGRAM_UNKNOWN : Math.min(1, program.length))),
      column: (word) => Uint32Array.from(programs, (program) => program[word] as number),
    }
  }

  signatures(from: number, count: number): Uint8Array {
    return Buffer.concat(this.#members.slice(from, from + count).map(({ view }) => view.bytes))
  }

  copyColumns(runs: readonly PlacedRun[], first: number, rows: number, target: BitTile): void {
    for (const { from, to, column } of runs)
      for (let s = from; s < to; s++)
        scatterColumn(
          (this.#members[s] as SignedView).view.bytes.subarray(first / 8, (first + rows) / 8),
          target,
          column + s - from,
        )
  }
}
