/**
 * A server that stands by: another one works on the database, and this one waits for its lock. Meanwhile it knows where the
 * other one is, so that requests can be passed on.
 *
 *   stands by ── the lock is free ──▶ works (`openAppliance` with the lock)
 *
 * - A server that ends, however it ends, loses its session with PostgreSQL, and with it the lock: noticed at the next look.
 * - One that is stopped, or cut off, keeps it. Its entry does not grow then; after some silence its session is ended from
 *   here. What it writes later is refused, as of any server that lost its lock.
 * - One that lost its session and runs, as when PostgreSQL starts anew, gets the lock back: it is left to it for some seconds.
 * - A program that has the lock and is no server (`backtrail move`, a command) has no entry and is left alone.
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Loop } from '../background/index.ts'
import { cloudAccess } from '../cloud/index.ts'
import { messageOf } from '../errors/index.ts'
import { managerAccess } from '../publishing/index.ts'
import type { Log } from '../scanning/index.ts'
import type { Settings } from '../settings/index.ts'
import {
  type ActiveServer,
  DATABASE,
  DatabaseHealth,
  lockDataFolder,
  openStoreOfStandby,
  queueForServer,
  Scratch,
  type ServerLock,
} from '../store/index.ts'
import { addressOf, holdsSamples, openBucket } from './cluster-place.ts'
import { Opened } from './opened.ts'
import { type EntryOf, ServerEntry, SILENT_MS } from './server-entry.ts'
import { endWorkers, startWorkers, type Workers } from './workers.ts'

export interface Standby {
  /** The server that works, as of the latest look; null where it is not known, or not to be reached. It may be gone. */
  readonly active: ActiveServer | null
  /** Whether the database answered at the latest look. */
  readonly isConnected: boolean
  /** Resolves once this server has the database; never for one without workers. The folder is free then. */
  readonly turn: Promise<Begun>
  /** Is listed as a server that stands by. */
  announce(entry: Pick<EntryOf, 'url' | 'certificate'>): Promise<void>
  close(): Promise<void>
}

/** What a server has when it begins to work. */
export interface Begun {
  readonly lock: ServerLock
  /** What it made ready while it stood by: starting them would take longer than all else. Null where it did not. */
  readonly workers: Workers | null
  /** Ends them too. */
  release(): Promise<void>
}

const LOOK_MS = 200
/** After a look that failed. */
const AGAIN_MS = 500
/** A lock that was left to the server that had it: for how long, and after which time it is looked for again. */
const DEFERRED_MS = 6_000
const BACK_MS = 1_500
const ACCEPT_MS = 500

/**
 * The lock of the database where it is free, else a server that stands by until it is. Fails where the settings are of no
 * use, as an appliance of a cluster does; its data folder is this process's meanwhile.
 */
export async function standBy(settings: Settings, log: Log, { silentMs = SILENT_MS } = {}): Promise<Begun | Standby> {
  const { data, workers } = settings
  const opened = new Opened(log)
  /** Stays when this server's turn has come. */
  const ready = new Opened(log)
  const close = async () => {
    await opened.close()
    await ready.close()
  }
  try {
    // Now, and not when it takes over.
    cloudAccess(settings)
    managerAccess(settings)
    const folder = lockDataFolder(data)
    opened.add(() => folder.release())
    if (existsSync(join(data, DATABASE))) throw holdsSamples(data)
    // First, so that a wrong address of the store is known before it is needed.
    await openBucket(settings, opened)
    const url = addressOf(settings)
    const queue = await queueForServer(url)
    opened.add(() => queue.close())
    const lock = workers === 0 ? null : await queue.take()
    if (lock !== null) {
      await opened.close()
      return { lock, workers: null, release: () => lock.release() }
    }
    const store = await openStoreOfStandby(url, new DatabaseHealth())
    opened.add(() => store.close())
    const made = workers === 0 ? null : await makeReady(settings, ready, log)
    const entry = new ServerEntry(store, log)
    opened.add(() => entry.stop())
    const looking = new Looking({ queue, store, log, takes: workers > 0, silentMs })
    opened.add(() => looking.stop())
    return {
      get active() {
        return looking.active !== null && isToBeReached(looking.active) ? looking.active : null
      },
      get isConnected() {
        return looking.isConnected
      },
      turn: looking.turn.then(async (lock) => {
        await opened.close()
        ready.add(() => lock.release())
        return { lock, workers: made, release: () => ready.close() }
      }),
      announce: (where) => entry.start({ ...where, workers, term: null }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function makeReady(settings: Settings, ready: Opened, log: Log): Promise<Workers> {
  const scratch = await Scratch.open(settings.data)
  ready.add(() => scratch.close())
  const pool = startWorkers(settings, scratch, log)
  ready.add(() => endWorkers(pool))
  // The process that checks texts starts with the first one, and is to be there as well.
  void pool.run('check', { content: 'rule ready { condition: false }' }, { priority: 'background' }).catch(() => {})
  return { scratch, pool }
}

/** Beside a server of an earlier version there is no list of servers, and at first no table at all. */
function noneWhereUnknown(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === '42P01') return null
  throw error
}

/** On this machine that address is somebody else's, often this server's own. */
function isOnlyForItsMachine({ name, url }: ActiveServer): boolean {
  return listens({ url }) && name !== hostname() && /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname)
}

function listens({ url }: Pick<ActiveServer, 'url'>): boolean {
  return url !== ''
}

function isToBeReached(active: ActiveServer): boolean {
  return listens(active) && !isOnlyForItsMachine(active)
}

/** Whether anybody listens there. */
async function accepts(url: string): Promise<boolean> {
  const { hostname: host, port, protocol } = new URL(url)
  const socket = connect(Number(port) || (protocol === 'https:' ? 443 : 80), host.replace(/^\[|\]$/g, ''))
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ACCEPT_MS) })
    return true
  } catch {
    return false
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

interface LookingParts {
  readonly queue: Awaited<ReturnType<typeof queueForServer>>
  readonly store: Awaited<ReturnType<typeof openStoreOfStandby>>
  readonly log: Log
  /** False for one that only passes requests on. */
  readonly takes: boolean
  /** After which another one is taken for stopped. */
  readonly silentMs: number
}

class Looking {
  readonly turn: Promise<ServerLock>
  active: ActiveServer | null = null
  isConnected = true
  readonly #parts: LookingParts
  readonly #loop = new Loop()
  readonly #take: (lock: ServerLock) => void
  /** Since when the entry of the other one has been as it is. */
  #heard = performance.now()
  /** Whether the server that works listens only for another machine. */
  #isFar = false
  /** The term of the latest server that was given up. */
  #givenUp = ''
  /** Since when the lock was to be had, and left to the other one. */
  #deferredSince: number | null = null

  constructor(parts: LookingParts) {
    this.#parts = parts
    const { promise, resolve } = Promise.withResolvers<ServerLock>()
    this.turn = promise
    this.#take = resolve
    this.#loop.start((signal) => this.#look(signal))
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /**
   * Whether the server that worked runs and has only lost its session, as all do when PostgreSQL starts anew: it is left to take
   * the lock again, for a while.
   */
  async #isOnlyCutOff(): Promise<boolean> {
    if (this.active === null || this.#isSilent() || !isToBeReached(this.active)) return false
    this.#deferredSince ??= performance.now()
    return performance.now() - this.#deferredSince < DEFERRED_MS && (await accepts(this.active.url))
  }

  #isSilent(): boolean {
    return performance.now() - this.#heard > this.#parts.silentMs
  }

  async #look(signal: AbortSignal): Promise<number> {
    const { queue, store, log, takes } = this.#parts
    try {
      const lock = takes ? await queue.take() : null
      if (lock !== null && (await this.#isOnlyCutOff().catch(() => false))) {
        await lock.release()
        return BACK_MS
      }
      if (lock !== null) {
        if (signal.aborted) await lock.release()
        else this.#take(lock)
        // The loop is stopped by whoever gets it.
        return Number.POSITIVE_INFINITY
      }
      if (takes) this.#deferredSince = null
      const before = this.active
      this.active = await store.servers.findActive().catch(noneWhereUnknown)
      if (this.active?.id !== before?.id || this.active?.beat !== before?.beat) this.#heard = performance.now()
      this.isConnected = true
      const isFar = this.active !== null && isOnlyForItsMachine(this.active)
      if (isFar && !this.#isFar) {
        const { name, url } = this.active ?? {}
        log.error(
          { name, url },
          'the server that works listens only for its own machine, so no request is passed on to it: start it with --host 0.0.0.0, or with an address of its machine',
        )
      }
      this.#isFar = isFar
      if (takes && this.active !== null && this.#isSilent()) {
        const { url, term } = this.active
        if (this.#givenUp !== term)
          log.warn({ url }, 'the server that works has given no sign of life; its session is ended')
        this.#givenUp = term
        await queue.endHolder(term)
      }
      return LOOK_MS
    } catch (error) {
      // Once: it may last.
      if (this.isConnected) log.warn({ reason: messageOf(error) }, 'the database could not be asked for its lock')
      this.isConnected = false
      // Nobody can give a sign of life meanwhile, as far as this one knows.
      this.#heard = performance.now()
      return AGAIN_MS
    }
  }
}
