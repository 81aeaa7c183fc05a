import { assembleSegment, type SegmentSummary } from './segment-assembly.ts'
import { SegmentReader } from './segment-reader.ts'

/**
 * Merges segments into one at `output`, complete and synced, leaving out the sample ids in `without` (ascending). Their
 * ranges of ids may overlap; no sample may be in two of them. The result is byte for byte what `writeSegment` makes of
 * the same samples. Null, and no file, when nothing is left. @throws Failure `segment.damaged`
 */
export function mergeSegments(inputs: readonly string[], output: string, without: Uint32Array): SegmentSummary | null {
  const readers: SegmentReader[] = []
  try {
    for (const path of inputs) readers.push(SegmentReader.open(path))
    return assembleSegment(
      output,
      readers.flatMap((reader) => reader.groups),
      without,
    )
  } finally {
    for (const reader of readers) reader.close()
  }
}
