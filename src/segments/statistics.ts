import type { SegmentTotals, Store } from '../store/index.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentFile } from './segment-row.ts'
import type { SegmentThread } from './segment-thread.ts'

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
export type IndexTotals = SegmentTotals

const SIZES = [64, 512, 4096, 32768, null] as const
/** How many segments and signatures of each the fill is taken from. */
const LOOKED_AT = { segments: 8, signatures: 64 }

export async function indexStatistics(
  {
    store: { segments },
    files: place,
    reading,
  }: { readonly store: Store; readonly files: SegmentFiles; readonly reading: SegmentThread },
  files: readonly SegmentFile[],
): Promise<IndexStatistics> {
  const { indexed, unindexed } = await segments.measure()
  const { damaged } = await segments.totals()
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
    fill: await meanFill(files, place, reading),
  }
}

function meanFill(files: readonly SegmentFile[], place: SegmentFiles, reading: SegmentThread): Promise<number | null> {
  const step = Math.max(1, Math.floor(files.length / LOOKED_AT.segments))
  const some = files.filter((_, n) => n % step === 0).map(({ path }) => path)
  return place.whileLocal(some, () => reading.fillOf(some, LOOKED_AT.signatures))
}
