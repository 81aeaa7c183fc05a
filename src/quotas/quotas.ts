import { setImmediate } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import { type Micros, now, type Store } from '../store/index.ts'

/** Null: no limit. What a user sends by upload counts, and not what comes out of archives. */
export interface Quota {
  readonly daySamples: number | null
  readonly dayBytes: number | null
  readonly totalSamples: number | null
  readonly totalBytes: number | null
}

/** What counts against it: what was sent today (UTC), known or not, and what of all that was sent is stored. */
export interface QuotaUse {
  readonly daySamples: number
  readonly dayBytes: number
  readonly totalSamples: number
  readonly totalBytes: number
}

/** An upload under way. */
export interface Sending {
  /** Counts bytes as they come. Fails with `quota.day` or `quota.total` once they are too many. */
  add(bytes: number): void
  /** It is stored, and counts from now on. */
  store(known: boolean): void
  /** It has ended, in whatever way. */
  end(): void
}

interface Counted {
  day: number
  use: { -readonly [K in keyof QuotaUse]: QuotaUse[K] }
  /** Of uploads under way. */
  readonly pending: { samples: number; bytes: number }
  /** When it was counted. */
  at: Micros
}

const DAY = 86_400_000_000
/** What was deleted is free again after so long at the latest. */
const COUNTED_FOR = 10_000_000
const PAGE = 2_000

/**
 * Counts in memory what users send, and counts anew what is stored before it refuses for the total: samples are deleted
 * meanwhile. Two uploads at once count both, so that they are not both the last that fits.
 */
export class Quotas {
  readonly #store: Store
  readonly #default: Quota
  readonly #counts = new Map<number, Promise<Counted>>()

  /** `byDefault`: of users without a quota of their own. */
  constructor(store: Store, byDefault: Quota) {
    this.#store = store
    this.#default = byDefault
  }

  /** The quota that is in force for a user, and whether it is their own. */
  async of(userId: number): Promise<Quota & { readonly own: boolean }> {
    const stored = await this.#store.settings.find(keyOf(userId))
    return stored ? { ...(JSON.parse(stored) as Quota), own: true } : { ...this.#default, own: false }
  }

  /** Null: as everybody. */
  async set(userId: number, quota: Quota | null): Promise<void> {
    await this.#store.settings.set(keyOf(userId), quota === null ? '' : JSON.stringify(quota))
  }

  async use(userId: number): Promise<QuotaUse> {
    return { ...(await this.#recount(userId)).use }
  }

  /**
   * An upload begins. `size`: what it is said to have, 0 for unknown. Null: the user has no quota.
   * Fails with `quota.day` or `quota.total`.
   */
  async begin(userId: number, size: number): Promise<Sending | null> {
    const quota = await this.of(userId)
    const { daySamples, dayBytes, totalSamples, totalBytes } = quota
    if ([daySamples, dayBytes, totalSamples, totalBytes].every((limit) => limit === null)) return null
    const counted = await this.#count(userId)
    if (exceeded(quota, counted, size) === 'quota.total' && counted.at < now() - COUNTED_FOR)
      await this.#recount(userId)
    demand(quota, counted, size)
    return sendingOf(quota, counted)
  }

  #count(userId: number): Promise<Counted> {
    const known = this.#counts.get(userId)
    if (known) return known
    const counting = this.#countStored(userId).then((fresh) => ({ ...fresh, pending: { samples: 0, bytes: 0 } }))
    this.#counts.set(userId, counting)
    counting.catch(() => this.#counts.delete(userId))
    return counting
  }

  /** Uploads under way go on in the same count. */
  async #recount(userId: number): Promise<Counted> {
    const counted = await this.#count(userId)
    return Object.assign(counted, await this.#countStored(userId))
  }

  async #countStored(userId: number): Promise<Pick<Counted, 'day' | 'use' | 'at'>> {
    const day = today()
    const use = { daySamples: 0, dayBytes: 0, totalSamples: 0, totalBytes: 0 }
    const seen = new Set<number>()
    for (let before: number | null = null; ; ) {
      const page: Awaited<ReturnType<Store['arrivals']['listSent']>> = await this.#store.arrivals.listSent(
        userId,
        before,
        PAGE,
      )
      for (const sent of page) {
        if (sent.seen >= day * DAY) {
          use.daySamples++
          use.dayBytes += sent.size
        }
        if (seen.has(sent.sampleId)) continue
        seen.add(sent.sampleId)
        use.totalSamples++
        use.totalBytes += sent.size
      }
      before = page.at(-1)?.id ?? null
      if (page.length < PAGE || before === null) break
      await setImmediate()
    }
    return { day, use, at: now() }
  }
}

const keyOf = (userId: number): string => `quota of user ${userId}`
const today = (): number => Math.floor(now() / DAY)

function sendingOf(quota: Quota, counted: Counted): Sending {
  let bytes = 0
  let isOver = false
  counted.pending.samples++
  const end = () => {
    if (isOver) return
    isOver = true
    counted.pending.samples--
    counted.pending.bytes -= bytes
  }
  return {
    add(more) {
      bytes += more
      counted.pending.bytes += more
      // It is one of those that are pending itself.
      counted.pending.samples--
      try {
        demand(quota, counted, 0)
      } finally {
        counted.pending.samples++
      }
    },
    store(known) {
      if (isOver) return
      const { use } = current(counted)
      use.daySamples++
      use.dayBytes += bytes
      if (!known) {
        use.totalSamples++
        use.totalBytes += bytes
      }
      end()
    },
    end,
  }
}

/** A new day begins with nothing. */
function current(counted: Counted): Counted {
  if (counted.day === today()) return counted
  counted.day = today()
  Object.assign(counted.use, { daySamples: 0, dayBytes: 0 })
  return counted
}

type Exceeded = 'quota.day' | 'quota.total'

/** By one more sample of so many bytes. */
function exceeded(quota: Quota, counted: Counted, size: number): Exceeded | null {
  const { use, pending } = current(counted)
  const samples = pending.samples + 1
  const bytes = pending.bytes + size
  const isAbove = (limit: number | null, used: number) => limit !== null && used > limit
  if (isAbove(quota.daySamples, use.daySamples + samples) || isAbove(quota.dayBytes, use.dayBytes + bytes))
    return 'quota.day'
  return isAbove(quota.totalSamples, use.totalSamples + samples) || isAbove(quota.totalBytes, use.totalBytes + bytes)
    ? 'quota.total'
    : null
}

function demand(quota: Quota, counted: Counted, size: number): void {
  const code = exceeded(quota, counted, size)
  if (code === null) return
  const { daySamples, dayBytes, totalSamples, totalBytes } = quota
  const [samples, bytes] = code === 'quota.day' ? [daySamples, dayBytes] : [totalSamples, totalBytes]
  const limits = [samples !== null && `${samples} samples`, bytes !== null && `${bytes} bytes`]
    .filter(Boolean)
    .join(' and ')
  throw code === 'quota.day'
    ? new Failure(
        code,
        `You may send ${limits} in a day, and this would be more; the count begins anew at 00:00 UTC.`,
        {
          ...{ samples, bytes },
          seconds: Math.ceil(((today() + 1) * DAY - now()) / 1_000_000),
        },
      )
    : new Failure(
        code,
        `You may have ${limits} stored, and this would be more; delete some of what you have sent, or ask for a larger quota.`,
        { samples, bytes },
      )
}
