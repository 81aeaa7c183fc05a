import type { Worker } from 'node:worker_threads'
import { startThread, ThreadQuestions } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { childEnvironment } from '../settings/index.ts'
import {
  type FromSegmentThread,
  packSignatures,
  partsOf,
  type SegmentWork,
  type SegmentWorkKind,
  type ToSegmentThread,
  unpackSignatures,
} from './segment-thread-main.ts'

const ENDED = 'The thread that reads and writes segments has ended.'

type Signed = { readonly id: number; readonly record: Uint8Array }

/**
 * Reads and writes files of segments in a thread, one step after the other: a segment has up to hundreds of megabytes, its
 * writing ends with a sync, and the server's own thread answers others meanwhile. It is started by the first step, and keeps
 * the process alive during steps only. Not in a worker of the pool: what segments hold was made here, so nothing of it is
 * hostile, and the completion of samples does not wait for a scan.
 */
export class SegmentThread {
  readonly #questions = new ThreadQuestions<unknown>()
  #thread: Worker | null = null
  #last = 0
  #opened = 0

  /** Writes a segment of samples in ascending order of id, complete and synced. Throws errors of the system. */
  write(path: string, signed: readonly Signed[]): Promise<SegmentWork['write']['answer']> {
    const samples = packSignatures(signed)
    return this.#ask('write', { path, samples }, partsOf(samples))
  }

  /** What is wrong with a file; null when all its checksums hold. */
  damageOf(path: string): Promise<string | null> {
    return this.#ask('damage', { path })
  }

  /** The ids of samples in a file that are not among `present`. Throws `segment.damaged`. */
  deletedIn(path: string, present: readonly number[]): Promise<Uint32Array> {
    return this.#ask('deleted', { path, present: Uint32Array.from(present) })
  }

  /** The mean share of set bits, 0 to 1, in up to so many signatures of each file; null without any. */
  fillOf(paths: readonly string[], signatures: number): Promise<number | null> {
    return this.#ask('fill', { paths, signatures })
  }

  /** Every nth signature of a file, so many at a time. Throws `segment.damaged`. */
  async *recordsOf(path: string, each: number, most: number): AsyncGenerator<readonly Signed[]> {
    const open = ++this.#opened
    await this.#ask('openRecords', { open, path, each })
    try {
      for (;;) {
        const some = unpackSignatures(await this.#ask('nextRecords', { open, most }))
        if (some.length > 0) yield some
        if (some.length < most) return
      }
    } finally {
      await this.#ask('closeRecords', { open })
    }
  }

  /** Ends the thread: what is under way rejects. A later step starts another one. */
  async stop(): Promise<void> {
    await this.#thread?.terminate()
  }

  #ask<K extends SegmentWorkKind>(
    kind: K,
    asked: SegmentWork[K]['asked'],
    parts: ArrayBuffer[] = [],
  ): Promise<SegmentWork[K]['answer']> {
    const id = ++this.#last
    const answer = this.#questions.add(id)
    const thread = this.#thread ?? this.#start()
    thread.ref()
    thread.postMessage({ id, kind, asked } satisfies ToSegmentThread<K>, parts)
    return answer as Promise<SegmentWork[K]['answer']>
  }

  #start(): Worker {
    const thread = startThread(new URL('./segment-thread-main.ts', import.meta.url), childEnvironment(), {
      message: (message: FromSegmentThread) => {
        if ('answer' in message) this.#questions.resolve(message.id, message.answer)
        else this.#questions.reject(message.id, errorOf(message))
        if (this.#questions.areAnswered) thread.unref()
      },
      ended: (cause) => {
        this.#thread = null
        this.#questions.rejectAll(new Error(ENDED, { cause }))
      },
    })
    this.#thread = thread
    return thread
  }
}

function errorOf(message: Exclude<FromSegmentThread, { readonly answer: unknown }>): Error {
  if ('failure' in message) return new Failure(message.failure.code, message.failure.text, message.failure.detail)
  const { text, stack, system } = message.error
  return Object.assign(new Error(text), { stack, ...(system !== null && { code: system }) })
}
