import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { Lock, Loop } from '../background/index.ts'
import type { Log } from '../scanning/index.ts'
import { programVersion } from '../settings/index.ts'
import { now, type Store } from '../store/index.ts'

export interface EntryOf {
  readonly workers: number
  /** Where the other servers reach this one; empty while it does not listen yet. */
  readonly url: string
  /** By which they know it (PEM); empty without TLS. */
  readonly certificate: string
  /** Of its lock of the database; null while it stands by. */
  readonly term: string | null
}

const BEAT_MS = 1_000
/** A server that gives no sign for so long is taken for stopped. */
export const SILENT_MS = 15_000
/** By then servers that stand by have looked once more. */
const KNOWN_AFTER_MS = 500
/** Those that gave no sign for so long are not listed any more. */
const FORGOTTEN_MICROS = 60 * 60 * 1_000_000

/** The entry of this server in the list of servers, with a sign of life each second. */
export class ServerEntry {
  readonly #store: Pick<Store, 'servers'>
  readonly #log: Log
  readonly #loop = new Loop()
  /** The row is written by one at a time. */
  readonly #lock = new Lock()
  #entry: EntryOf | null = null
  /** What is written, and the id of its row. */
  #listed: { readonly id: number; readonly entry: EntryOf } | null = null
  #hasWarned = false

  constructor(store: Pick<Store, 'servers'>, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Is listed so from now on, or as soon as the database lets it, and no more as before. */
  async start(entry: EntryOf): Promise<void> {
    const isFirst = this.#entry === null
    this.#entry = entry
    await this.#beat(entry)
    if (isFirst) this.#loop.start(() => this.#beat(this.#entry ?? entry))
  }

  /** Is not listed any more; where there are other servers, resolves when they know. */
  async leave(): Promise<void> {
    const others = await this.#store.servers.list().catch(() => [])
    const wasListed = this.#listed !== null
    await this.stop()
    if (wasListed && others.length > 1) await delay(KNOWN_AFTER_MS)
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
    if (this.#listed !== null) await this.#store.servers.delete([this.#listed.id]).catch(() => {})
    this.#listed = null
  }

  async #beat(entry: EntryOf): Promise<number> {
    try {
      await this.#lock.withLock(() => this.#write(entry))
      if (entry.term !== null) await this.#store.servers.deleteSilent(now() - FORGOTTEN_MICROS)
      this.#hasWarned = false
    } catch (error) {
      // Beside a server of an earlier version there is no such list.
      if (!this.#hasWarned) this.#log.warn({ err: error }, 'the database could not be given a sign of life')
      this.#hasWarned = true
    }
    return BEAT_MS
  }

  async #write(entry: EntryOf): Promise<void> {
    const { servers } = this.#store
    const before = this.#listed
    if (before?.entry === entry && (await servers.beat(before.id, now()))) return
    const id = await servers.add({ ...entry, name: hostname(), version: programVersion, started: now() })
    this.#listed = { id, entry }
    if (before !== null) await servers.delete([before.id])
  }
}
