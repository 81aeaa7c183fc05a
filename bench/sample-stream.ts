/** Small samples that nobody has sent before, and how long each takes until it is processed. */
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { RunningServer } from './running-server.ts'

const LOOK_EVERY_MS = 100
const PATIENCE_MS = 300_000

export interface Uploaded {
  readonly sha256: string
  readonly sha1: string
  /** Seconds from the beginning of the upload until the server said that the sample is processed. */
  readonly processed: Promise<number>
}

export class SampleStream {
  readonly #server: RunningServer
  readonly #seed: string
  #next = 0

  constructor(server: RunningServer, seed: string) {
    this.#server = server
    this.#seed = seed
  }

  /** `wrap` makes of the content what is sent, such as an archive with it. */
  async upload(wrap: (content: Buffer) => Buffer = (content) => content): Promise<Uploaded> {
    const number = this.#next++
    const content = wrap(Buffer.from(`sample ${number} of ${this.#seed}\n`.repeat(20 + (number % 500))))
    const begin = performance.now()
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(content)]), `sample-${number}.bin`)
    const { detail } = await this.#server.send<{ detail: { sha256: string; sha1: string } }>('/api/submit/file/', form)
    const sha256 = createHash('sha256').update(content).digest('hex')
    if (detail.sha256 !== sha256) throw new Error(`the server took ${detail.sha256} for ${sha256}`)
    return { sha256, sha1: detail.sha1, processed: this.#untilProcessed(sha256, begin) }
  }

  async #untilProcessed(sha256: string, begin: number): Promise<number> {
    for (;;) {
      const body = new URLSearchParams({ hash_values: sha256 })
      const { results } = await this.#server.send<{ results: unknown[] }>('/api/samples/status/?status=processed', body)
      const elapsed = performance.now() - begin
      if (results.length > 0) return elapsed / 1000
      if (elapsed > PATIENCE_MS) throw new Error(`${sha256} is not processed after ${PATIENCE_MS / 1000} s`)
      await pause(LOOK_EVERY_MS)
    }
  }
}
