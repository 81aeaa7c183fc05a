/** The thread of `body-thread.ts`. */
import { parentPort } from 'node:worker_threads'
import { Failure, type FailureCode } from '../errors/index.ts'
import { type BodyKind, parseBody } from './body-values.ts'

export type ToBodyThread =
  | { readonly id: number; readonly chunk: Uint8Array }
  /** All chunks of this body are there; `kind` null: it is not wanted any more. */
  | { readonly id: number; readonly kind: BodyKind | null }

export type FromBodyThread =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number
      readonly failure: { readonly code: FailureCode; readonly text: string; readonly detail: Failure['detail'] }
    }

const arriving = new Map<number, Uint8Array[]>()

parentPort?.on('message', (message: ToBodyThread) => {
  const { id } = message
  const chunks = arriving.get(id) ?? []
  if ('chunk' in message) {
    chunks.push(message.chunk)
    arriving.set(id, chunks)
    return
  }
  arriving.delete(id)
  if (message.kind !== null) parentPort?.postMessage(answerTo(id, message.kind, Buffer.concat(chunks)))
})

function answerTo(id: number, kind: BodyKind, body: Uint8Array): FromBodyThread {
  try {
    return { id, value: parseBody(kind, body) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { code, message: text, detail } = error
    return { id, failure: { code, text, detail } }
  }
}
