import { assembleSegment, type SegmentSummary } from './segment-assembly.ts'
import { SegmentReader } from './segment-reader.ts'

/**
 * Merges segments into one at `output`, complete and synced; of each input are left out the sample ids in the list of `without`
 * at its place (ascending). Their ranges of ids may overlap; no sample may stay in two of them. The result is byte for byte what `writeSegment` makes of
 * the same samples. Null, and no file, when nothing is left. @throws Failure `segment.damaged`
 */
export function mergeSegments(
  inputs: readonly string[],
  output: string,
  without: readonly Uint32Array[],
): SegmentSummary | null {
  const readers: SegmentReader[] = []
  try {
    for (const path of inputs) readers.push(SegmentReader.open(path))
    const sources = readers.flatMap((reader, n) =>
      reader.groups.map((columns) => ({ columns, without: without[n] ?? NONE })),
    )
    return assembleSegment(output, sources)
  } finally {
    for (const reader of readers) reader.close()
  }
}

const NONE = new Uint32Array()
