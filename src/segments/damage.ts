import { Failure } from '../errors/index.ts'
import { SegmentReader } from '../index/index.ts'

/** What is wrong with a segment file; null when all its checksums hold. */
export function damageOf(path: string): string | null {
  try {
    const reader = SegmentReader.open(path)
    try {
      reader.check()
    } finally {
      reader.close()
    }
    return null
  } catch (error) {
    if (error instanceof Failure && error.code === 'segment.damaged') return error.message
    throw error
  }
}
