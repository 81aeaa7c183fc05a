/** The thread of `segment-thread.ts`: everything that reads or writes files of segments, but what workers do. */
import { parentPort } from 'node:worker_threads'
import { Failure, type FailureCode } from '../errors/index.ts'
import { SegmentReader, type SegmentSummary, SignatureView, writeSegment } from '../index/index.ts'
import { damageOf } from './damage.ts'

/** Signatures of samples in ascending order of id, one after the other. */
export interface PackedSignatures {
  readonly ids: Float64Array
  /** Where the signature of each sample ends in `bytes`. */
  readonly ends: Uint32Array
  readonly bytes: Uint8Array
}

export interface SegmentWork {
  /** Writes a segment. */
  write: {
    readonly asked: { readonly path: string; readonly samples: PackedSignatures }
    readonly answer: SegmentSummary
  }
  /** What is wrong with a file, in words. */
  damage: { readonly asked: { readonly path: string }; readonly answer: string | null }
  /** The ids of samples in a file that are not among those that are there. */
  deleted: { readonly asked: { readonly path: string; readonly present: Uint32Array }; readonly answer: Uint32Array }
  /** The mean share of set bits in some signatures of each file; null without any. */
  fill: {
    readonly asked: { readonly paths: readonly string[]; readonly signatures: number }
    readonly answer: number | null
  }
  /** Opens a file to read every nth signature of it, under a number for the next two, of which the last is due. */
  openRecords: {
    readonly asked: { readonly open: number; readonly path: string; readonly each: number }
    readonly answer: null
  }
  nextRecords: { readonly asked: { readonly open: number; readonly most: number }; readonly answer: PackedSignatures }
  closeRecords: { readonly asked: { readonly open: number }; readonly answer: null }
}

export type SegmentWorkKind = keyof SegmentWork

export interface ToSegmentThread<K extends SegmentWorkKind = SegmentWorkKind> {
  readonly id: number
  readonly kind: K
  readonly asked: SegmentWork[K]['asked']
}

export type FromSegmentThread = { readonly id: number } & (
  | { readonly answer: unknown }
  | { readonly failure: { readonly code: FailureCode; readonly text: string; readonly detail: Failure['detail'] } }
  /** `system`: ENOSPC and the like. */
  | { readonly error: { readonly text: string; readonly stack: string; readonly system: string | null } }
)

export function packSignatures(
  samples: readonly { readonly id: number; readonly record: Uint8Array }[],
): PackedSignatures {
  const ends = new Uint32Array(samples.length)
  let end = 0
  for (const [n, { record }] of samples.entries()) {
    end += record.length
    ends[n] = end
  }
  // Not out of a pool of buffers: it is handed over, and the pool is not.
  const bytes = new Uint8Array(end)
  for (const [n, { record }] of samples.entries()) bytes.set(record, (ends[n] as number) - record.length)
  return { ids: Float64Array.from(samples, ({ id }) => id), ends, bytes }
}

export function unpackSignatures({ ids, ends, bytes }: PackedSignatures): { id: number; record: Uint8Array }[] {
  return Array.from(ids, (id, n) => ({ id, record: bytes.subarray(n === 0 ? 0 : ends[n - 1], ends[n]) }))
}

/** What is handed over instead of copied. */
export function partsOf({ ids, ends, bytes }: PackedSignatures): ArrayBuffer[] {
  return [ids, ends, bytes].map(({ buffer }) => buffer as ArrayBuffer)
}

interface OpenRecords {
  readonly reader: SegmentReader
  readonly records: Iterator<{ readonly id: number; readonly record: Uint8Array }>
}

const opened = new Map<number, OpenRecords>()

const work: { [K in SegmentWorkKind]: (asked: SegmentWork[K]['asked']) => SegmentWork[K]['answer'] } = {
  write: ({ path, samples }) => writeSegment(path, unpackSignatures(samples)),

  damage: ({ path }) => damageOf(path),

  deleted({ path, present }) {
    const there = new Set(present)
    return reading(path, ({ groups }) =>
      Uint32Array.from(groups.flatMap(({ ids }) => [...ids.filter((id) => !there.has(id))])),
    )
  },

  fill({ paths, signatures }) {
    let sum = 0
    let looked = 0
    for (const path of paths) {
      reading(path, (reader) => {
        for (const { record } of reader.records().take(signatures)) {
          const { bits, bytes } = SignatureView.of(record)
          if (bits === 0) continue
          sum += bytes.reduce((set, byte) => set + (BITS_SET[byte] as number), 0) / bits
          looked++
        }
      })
    }
    return looked === 0 ? null : sum / looked
  },

  openRecords({ open, path, each }) {
    const reader = SegmentReader.open(path)
    opened.set(open, { reader, records: reader.records().filter((_, n) => n % each === 0) })
    return null
  },

  nextRecords({ open, most }) {
    const records = opened.get(open)?.records
    // Nothing would be taken for the end of the file.
    if (records === undefined) throw new Error('The thread that had the segment open has ended.')
    const some: { readonly id: number; readonly record: Uint8Array }[] = []
    while (some.length < most) {
      const { done, value } = records.next()
      if (done) break
      some.push(value)
    }
    return packSignatures(some)
  },

  closeRecords({ open }) {
    opened.get(open)?.reader.close()
    opened.delete(open)
    return null
  },
}

const BITS_SET = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)

function reading<T>(path: string, read: (reader: SegmentReader) => T): T {
  const reader = SegmentReader.open(path)
  try {
    return read(reader)
  } finally {
    reader.close()
  }
}

parentPort?.on('message', ({ id, kind, asked }: ToSegmentThread) => {
  try {
    const answer = (work[kind] as (asked: unknown) => unknown)(asked)
    const parts = kind === 'nextRecords' ? partsOf(answer as PackedSignatures) : []
    parentPort?.postMessage({ id, answer } satisfies FromSegmentThread, parts)
  } catch (error) {
    parentPort?.postMessage(failureOf(id, error))
  }
})

function failureOf(id: number, error: unknown): FromSegmentThread {
  if (error instanceof Failure) {
    const { code, message: text, detail } = error
    return { id, failure: { code, text, detail } }
  }
  const { message, stack = '', code } = error as NodeJS.ErrnoException
  return { id, error: { text: message, stack, system: typeof code === 'string' ? code : null } }
}
