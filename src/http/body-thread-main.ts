/** The thread of `body-thread.ts`. */
import { parentPort } from 'node:worker_threads'
import { Failure, type FailureCode } from '../errors/index.ts'
import { type BodyKind, parseBody } from './body-values.ts'

export interface ToBodyThread {
  readonly id: number
  readonly kind: BodyKind
  readonly bytes: ArrayBuffer
}

export type FromBodyThread =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number
      readonly failure: { readonly code: FailureCode; readonly text: string; readonly detail: Failure['detail'] }
    }

parentPort?.on('message', ({ id, kind, bytes }: ToBodyThread) => parentPort?.postMessage(answerTo(id, kind, bytes)))

function answerTo(id: number, kind: BodyKind, bytes: ArrayBuffer): FromBodyThread {
  try {
    return { id, value: parseBody(kind, new Uint8Array(bytes)) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { code, message: text, detail } = error
    return { id, failure: { code, text, detail } }
  }
}
