import { assembleSegment, type SegmentSummary } from './segment-assembly.ts'
import { SegmentReader } from './segment-reader.ts'

/**
 * Merges adjacent segments (given in ascending order of ids) into one at `output`, complete and synced, leaving out the
 * sample ids in `without` (ascending). The result is byte for byte what `writeSegment` makes of the same samples.
 * Null, and no file, when nothing is left. @throws Failure `segment.damaged`
 */
export function mergeSegments(inputs: readonly string[], output: string, without: Uint32Array): SegmentSummary | null {
  const readers: SegmentReader[] = []
  try {
    for (const path of inputs) readers.push(SegmentReader.open(path))
    for (const [i, reader] of readers.entries())
      if (i > 0 && reader.firstId <= (readers[i - 1] as SegmentReader).lastId)
        throw new RangeError(`the ids of ${reader.path} do not follow those of the segment before it`)
    return assembleSegment(
      output,
      readers.flatMap((reader) => reader.groups),
      without,
    )
  } finally {
    for (const reader of readers) reader.close()
  }
}
