import { SegmentReader, SignatureView } from '../index/index.ts'
import type { Database } from '../store/index.ts'
import type { SegmentFile } from './segment-row.ts'

export interface IndexStatistics {
  readonly segments: number
  readonly damaged: number
  /** Indexed samples, their bytes, and the bytes of the segment files. */
  readonly samples: number
  readonly sampleBytes: number
  readonly indexBytes: number
  /** Processed samples that no live segment holds. */
  readonly unindexed: { readonly samples: number; readonly bytes: number }
  /** Live segments by their number of samples, ascending; the last group has no upper bound (`upTo` null). */
  readonly bySize: readonly {
    readonly upTo: number | null
    readonly segments: number
    readonly samples: number
    readonly bytes: number
  }[]
  /** Mean share of set bits of the signatures that were looked at, 0 to 1; null without any. */
  readonly fill: number | null
}

/** What the segments' own rows say, at no cost. */
export interface IndexTotals {
  readonly segments: number
  readonly damaged: number
  /** In the segment files; deleted ones may be among them. */
  readonly samples: number
  readonly bytes: number
}

export async function indexTotals(database: Database): Promise<IndexTotals> {
  const rows = await database
    .selectFrom('segments')
    .select(({ fn }) => [
      'state',
      fn.countAll<number>().as('segments'),
      fn.sum<number>('samples').as('samples'),
      fn.sum<number>('bytes').as('bytes'),
    ])
    .groupBy('state')
    .execute()
  const live = rows.find(({ state }) => state === 'live')
  const damaged = rows.find(({ state }) => state === 'damaged')
  return {
    segments: live?.segments ?? 0,
    damaged: damaged?.segments ?? 0,
    samples: live?.samples ?? 0,
    bytes: live?.bytes ?? 0,
  }
}

const SIZES = [64, 512, 4096, 32768, null] as const
/** How many segments and signatures of each the fill is taken from. */
const LOOKED_AT = { segments: 8, signatures: 64 }

export async function indexStatistics(database: Database, files: readonly SegmentFile[]): Promise<IndexStatistics> {
  const stored = database.selectFrom('samples').where('stored', '=', 1).where('state', '=', 'processed')
  const count = stored.select(({ fn, lit }) => [
    fn.countAll<number>().as('samples'),
    fn.coalesce(fn.sum<number>('size'), lit(0)).as('bytes'),
  ])
  const indexed = await count.where('segment_id', 'is not', null).executeTakeFirstOrThrow()
  const unindexed = await count.where('segment_id', 'is', null).executeTakeFirstOrThrow()
  const { damaged } = await database
    .selectFrom('segments')
    .select(({ fn }) => fn.countAll<number>().as('damaged'))
    .where('state', '=', 'damaged')
    .executeTakeFirstOrThrow()
  const sum = (some: readonly SegmentFile[], of: 'samples' | 'bytes') =>
    some.reduce((total, file) => total + file[of], 0)
  return {
    segments: files.length,
    damaged,
    samples: indexed.samples,
    sampleBytes: indexed.bytes,
    indexBytes: sum(files, 'bytes'),
    unindexed,
    bySize: SIZES.map((upTo, i) => {
      const above = SIZES[i - 1] ?? 0
      const group = files.filter(({ samples }) => samples > above && (upTo === null || samples <= upTo))
      return { upTo, segments: group.length, samples: sum(group, 'samples'), bytes: sum(group, 'bytes') }
    }),
    fill: meanFill(files),
  }
}

function meanFill(files: readonly SegmentFile[]): number | null {
  const step = Math.max(1, Math.floor(files.length / LOOKED_AT.segments))
  let sum = 0
  let looked = 0
  for (let i = 0; i < files.length; i += step) {
    const reader = SegmentReader.open((files[i] as SegmentFile).path)
    try {
      let left = LOOKED_AT.signatures
      for (const { record } of reader.records()) {
        if (left-- === 0) break
        const { bits, bytes } = SignatureView.of(record)
        if (bits === 0) continue
        sum += bytes.reduce((set, byte) => set + (BITS_SET[byte] as number), 0) / bits
        looked++
      }
    } finally {
      reader.close()
    }
  }
  return looked === 0 ? null : sum / looked
}

const BITS_SET = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)
