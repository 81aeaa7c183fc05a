/**
 * Sends the samples that arrive to the cloud, one after the other in the order of their ids; how far it came is kept under
 * a key of `settings`. What is here already when contributing is switched on stays here.
 */
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import type { ContentStore, Store } from '../store/index.ts'
import type { CloudClient } from './client.ts'

const KEY = 'cloud-contributed'
/** What a cloud answers to a sample that it will never take, such as one that is too large. */
const FOR_GOOD = [400, 409, 413, 415, 422]

export class Contribution {
  readonly #store: Store
  readonly #contents: ContentStore
  readonly #client: CloudClient
  readonly #log: Log

  constructor(parts: {
    readonly store: Store
    readonly contents: ContentStore
    readonly client: CloudClient
    readonly log: Log
  }) {
    this.#store = parts.store
    this.#contents = parts.contents
    this.#client = parts.client
    this.#log = parts.log
  }

  /** Notes what is here already, when that was not done before. */
  async begin(): Promise<void> {
    await this.#sent()
  }

  /** Sends what has arrived since. Fails with what went wrong with the cloud; the next call goes on with that sample. */
  async send(signal: AbortSignal): Promise<void> {
    let sent = await this.#sent()
    for (;;) {
      signal.throwIfAborted()
      const sample = await this.#store.samples.nextStored(sent)
      if (!sample) return
      const { id, sha1, sha256, size } = sample
      await this.#sendOne(sha1, sha256, size, signal)
      sent = id
      await this.#note(sent)
    }
  }

  async #sendOne(sha1: string, sha256: Uint8Array, size: number, signal: AbortSignal): Promise<void> {
    const content = await this.#contents.range(sha256).catch((error: unknown) => {
      // Deleted, or lost: then there is nothing to send.
      if (error instanceof Failure) return null
      throw error
    })
    if (content === null || content.size !== size) {
      content?.stream.destroy()
      return
    }
    try {
      await this.#client.upload(sha1, content.stream, size, signal)
    } catch (error) {
      if (!(error instanceof Failure) || !FOR_GOOD.includes(Number(error.detail.status))) throw error
      this.#log.warn({ sha1, reason: error.message }, 'the cloud does not take the sample')
    } finally {
      content.stream.destroy()
    }
  }

  async #sent(): Promise<number> {
    const sent = await this.#store.settings.find(KEY)
    if (sent !== null) return Number(sent)
    const last = await this.#store.samples.lastId()
    await this.#note(last)
    return last
  }

  #note(id: number): Promise<void> {
    return this.#store.settings.set(KEY, String(id))
  }
}
