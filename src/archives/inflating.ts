import { constants, inflateRawSync } from 'node:zlib'

export interface Inflated {
  readonly bytes: Buffer
  /** Bytes of the compressed stream. */
  readonly consumed: number
  /** False where it is damaged or cut off; `bytes` is then what comes before that. */
  readonly isWhole: boolean
}

/** Damaged streams above this are not searched for the place where they break: it takes twenty tries. */
const MOST_TRIED = 8 * 1024 * 1024

/** Inflates the deflate stream that `packed` begins with; what follows it does not matter. */
export function inflate(packed: Buffer, most: number): Inflated | 'too-large' {
  try {
    return { ...inflateMeasured(packed, most), isWhole: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return 'too-large'
  }
  return beforeTheBreak(packed, most)
}

/** zlib gives nothing of a stream that it finds a fault in, so the longest beginning without one is searched for. */
function beforeTheBreak(packed: Buffer, most: number): Inflated | 'too-large' {
  const begun = (length: number): Buffer | null => {
    try {
      return inflateRawSync(packed.subarray(0, length), {
        maxOutputLength: Math.max(1, most),
        finishFlush: constants.Z_SYNC_FLUSH,
      })
    } catch {
      return null
    }
  }
  let best: Buffer = begun(packed.length) ?? Buffer.alloc(0)
  if (best.length === 0 && packed.length <= MOST_TRIED) {
    let fits = 0
    let fails = packed.length
    while (fails - fits > 1) {
      const middle = (fits + fails) >>> 1
      const bytes = begun(middle)
      if (bytes === null) {
        fails = middle
        continue
      }
      fits = middle
      best = bytes
    }
  }
  return { bytes: best, consumed: packed.length, isWhole: false }
}

function inflateMeasured(packed: Buffer, most: number): { bytes: Buffer; consumed: number } {
  const options = { maxOutputLength: Math.max(1, most), info: true }
  const { buffer, engine } = inflateRawSync(packed, options) as unknown as {
    buffer: Buffer
    engine: { bytesWritten: number }
  }
  return { bytes: buffer, consumed: engine.bytesWritten }
}
