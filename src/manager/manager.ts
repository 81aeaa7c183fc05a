/**
 * The manager of a group of appliances: one log of all changes of shared rulesets, in the order in which they were accepted, and the
 * appliances that follow it. A change is accepted where it replaces the newest one of its name, so no text is replaced by
 * somebody who has not seen it.
 *
 * Entries that a later one has replaced, and deletions, are kept for some time (`keptMs`); an appliance that was away for
 * longer takes a snapshot instead. Which that is says the horizon: the largest sequence that was deleted.
 */
import type { Readable } from 'node:stream'
import { hashToken, randomToken } from '../accounts/index.ts'
import { aborted } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import {
  type ApplianceReport,
  chainOf,
  type FollowAnswer,
  type FollowRequest,
  limits,
  newKey,
  type PublishAnswer,
  type PublishRequest,
  publicKeyOf,
  type SignedAnswer,
  type SnapshotAnswer,
  setDigest,
  sign,
} from '../manager-protocol/index.ts'
import { checkName, packText, piecesOf } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import {
  type LogPosition,
  type Micros,
  now,
  type Repositories,
  type SharedEntry,
  type Store,
  type StoredAppliance,
} from '../store/index.ts'
import { type ApplianceState, type KnownAppliance, type SharedSet, stateOf } from './appliance-states.ts'

const KEY = 'manager.key'
const SEQUENCE = 'manager.sequence'
const HORIZON = 'manager.horizon'
const PRUNE_EVERY_MS = 60 * 60_000
/** How exactly the last request is recorded. */
const SEEN_EVERY: Micros = 5_000_000

export interface ListedAppliance {
  readonly name: string
  readonly state: ApplianceState
  readonly created: Micros
  readonly lastSeen: Micros | null
  readonly report: ApplianceReport | null
}

export class Manager {
  readonly #store: Store
  readonly #log: Log
  readonly #away: Micros
  readonly #kept: Micros
  readonly #clock: () => Micros
  #news = Promise.withResolvers<void>()
  readonly #stopped = new AbortController()
  #key: Promise<string> | null = null
  /** Of the shared set at a sequence. */
  #set: (SharedSet & { readonly at: number }) | null = null
  #timer: NodeJS.Timeout | null = null
  #pruning: Promise<void> | null = null

  /** `awayMs`: after how long without a request an appliance is unavailable. */
  constructor(parts: {
    readonly store: Store
    readonly log: Log
    readonly awayMs: number
    readonly keptMs: number
    readonly clock?: () => Micros
  }) {
    this.#store = parts.store
    this.#log = parts.log
    this.#away = parts.awayMs * 1_000
    this.#kept = parts.keptMs * 1_000
    this.#clock = parts.clock ?? now
  }

  /** Begins to delete what is older than it has to be. Call it once. */
  start(): void {
    const prune = () => {
      this.#pruning = this.prune().catch((error: unknown) =>
        this.#log.error({ err: error }, 'the shared log could not be pruned'),
      )
    }
    prune()
    this.#timer = setInterval(prune, PRUNE_EVERY_MS).unref()
  }

  /** Requests that wait for news are answered now. Resolves when nothing is being deleted. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#stopped.abort()
    await this.#pruning
  }

  /** The key that appliances verify the manager's answers with. */
  async publicKey(): Promise<string> {
    return publicKeyOf(await this.#privateKey())
  }

  async signed(payload: object, nonce: string): Promise<SignedAnswer> {
    const text = JSON.stringify(payload)
    return { payload: text, signature: sign(text, nonce, await this.#privateKey()) }
  }

  /** Returns its token, once. `appliance.name-invalid`, `appliance.exists`. */
  async add(name: string): Promise<string> {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) throw new Failure('appliance.name-invalid')
    const token = randomToken()
    await this.#store.transaction('addAppliance', async ({ appliances }) => {
      if (await appliances.findByName(name)) throw new Failure('appliance.exists')
      await appliances.add({ name, tokenHash: hashToken(token), created: this.#clock() })
    })
    return token
  }

  /** A new token in place of the one before, returned once. `appliance.not-found`. */
  async renewToken(name: string): Promise<string> {
    const { id } = await this.#existing(name)
    const token = randomToken()
    await this.#store.appliances.setToken(id, hashToken(token))
    return token
  }

  /** `appliance.not-found`. */
  async setDisabled(name: string, disabled: boolean): Promise<void> {
    const { id } = await this.#existing(name)
    await this.#store.appliances.setDisabled(id, disabled)
    // Whoever waits for news hears of it.
    this.#wake()
  }

  /** What it has published stays. `appliance.not-found`. */
  async remove(name: string): Promise<void> {
    const { id } = await this.#existing(name)
    await this.#store.appliances.delete(id)
    this.#wake()
  }

  /** By name. */
  async list(): Promise<ListedAppliance[]> {
    const shared = await this.sharedSet()
    const time = this.#clock()
    return (await this.#store.appliances.list()).map(({ name, created, lastSeen, disabled, report: stored }) => {
      const report = stored === null ? null : (JSON.parse(stored) as ApplianceReport)
      const state = stateOf({ disabled, lastSeen }, report, shared, { time, away: this.#away })
      return { name, state, created, lastSeen, report }
    })
  }

  /** Whose token it is. `appliance.unknown`, `appliance.disabled`. */
  async authenticate(token: string): Promise<KnownAppliance> {
    const found = await this.#store.appliances.findByToken(hashToken(token))
    if (!found) throw new Failure('appliance.unknown')
    if (found.disabled) throw new Failure('appliance.disabled')
    const time = this.#clock()
    if (found.lastSeen === null || Math.abs(time - found.lastSeen) > SEEN_EVERY) {
      await this.#store.appliances.recordSeen(found.id, time)
    }
    return { id: found.id, name: found.name }
  }

  /**
   * Puts a change at the end of the log, or says why not. The same change again gets the same answer.
   * `parameter.out-of-range` for a name that no ruleset can have, and for an empty text that is no deletion.
   */
  async publish({ name: appliance }: KnownAppliance, request: PublishRequest): Promise<PublishAnswer> {
    const { name, change, replaces, known, chain, enabled, author, deleted, text } = request
    checkName(name, 'parameter.out-of-range')
    if (deleted !== (text === '')) throw new Failure('parameter.out-of-range', 'A text is empty where it is deleted.')
    const packed = deleted ? null : await packText(text)
    const digest = packed?.digest ?? null
    const answer = await this.#store.transaction('appendShared', async (tx): Promise<PublishAnswer> => {
      const { sharedLog, sharedTexts, settings } = tx
      const before = await sharedLog.findByChange(appliance, change)
      if (before) return { kind: 'accepted', entry: entryJson(before) }
      if (!(await leadsOnFrom(tx, { sequence: known, chain }))) return { kind: 'behind' }
      const newest = await sharedLog.newest(name)
      if (!mayReplace(newest, replaces)) return { kind: 'replaced', newest: newest && entryJson(newest) }
      // Counted apart: the newest entries may have been deleted, and a sequence must never come again.
      const sequence = await settings.increment(SEQUENCE)
      const end = await sharedLog.end()
      const version = (newest?.version ?? 0) + 1
      const time = this.#clock()
      const row = { sequence, name, version, digest, enabled, author, appliance, change, time }
      const entry = { ...row, enabled: enabled && digest !== null }
      if (packed !== null) await sharedTexts.add(packed.digest, packed.packed)
      await sharedLog.add({ ...entry, chain: chainOf(end?.chain ?? '', entry) })
      return { kind: 'accepted', entry }
    })
    if (answer.kind === 'accepted') this.#wake()
    return answer
  }

  /**
   * What is behind a position, waiting for it for a while. Aborting `signal` ends the wait; `appliance.unknown` and
   * `appliance.disabled` where the appliance was removed or disabled meanwhile.
   */
  async follow(
    { id, name }: KnownAppliance,
    { after, chain, wait, report }: Omit<FollowRequest, 'nonce'>,
    signal: AbortSignal,
  ): Promise<FollowAnswer> {
    await this.#store.appliances.recordReport(id, JSON.stringify(report))
    const ended = AbortSignal.any([signal, this.#stopped.signal, AbortSignal.timeout(wait * 1_000)])
    for (;;) {
      const news = this.#news.promise
      const answer = await this.#behind({ sequence: after, chain })
      if (answer.kind === 'snapshot' || answer.entries.length > 0 || wait === 0 || ended.aborted) return answer
      await Promise.race([news, aborted(ended)])
      const still = await this.#store.appliances.findByName(name)
      if (still?.id !== id) throw new Failure('appliance.unknown')
      if (still.disabled) throw new Failure('appliance.disabled')
    }
  }

  /** What is current, a page at a time; `at` is the position that follows from there. */
  async snapshot(afterName: string): Promise<SnapshotAnswer> {
    return this.#store.transaction('readShared', async ({ sharedLog }) => {
      const entries = await sharedLog.listCurrent(afterName, limits.pageEntries)
      return {
        entries: entries.map(entryJson),
        at: (await sharedLog.end()) ?? { sequence: 0, chain: '' },
        more: entries.length === limits.pageEntries,
      }
    })
  }

  /** In UTF-8. `shared.not-found`. */
  async text(digest: string): Promise<Readable> {
    const packed = await this.#store.sharedTexts.find(digest)
    if (packed === null) throw new Failure('shared.not-found')
    return piecesOf(packed)
  }

  /** What is shared now, by name. */
  async shared(): Promise<SharedEntry[]> {
    const all: SharedEntry[] = []
    for (;;) {
      const some = await this.#store.sharedLog.listCurrent(all.at(-1)?.name ?? '', limits.pageEntries)
      all.push(...some)
      if (some.length < limits.pageEntries) return all
    }
  }

  /** The end of the log. */
  async sequence(): Promise<number> {
    return (await this.#store.sharedLog.end())?.sequence ?? 0
  }

  async sharedSet(): Promise<SharedSet> {
    const at = await this.sequence()
    if (this.#set?.at === at) return this.#set
    const shared = await this.shared()
    const states = shared.map(({ name, digest, enabled }) => ({ name, digest: digest ?? '', enabled }))
    this.#set = { at, digest: setDigest(states), count: states.length }
    return this.#set
  }

  /** Deletes what was replaced or deleted longer ago than it is kept. */
  async prune(): Promise<void> {
    const before = this.#clock() - this.#kept
    await this.#store.transaction('pruneShared', async (tx) => {
      const gone = await tx.sharedLog.prune(before)
      if (gone > (await horizonOf(tx))) await tx.settings.set(HORIZON, String(gone))
      await tx.sharedTexts.deleteUnreferenced()
    })
  }

  async #behind({ sequence, chain }: LogPosition): Promise<FollowAnswer> {
    return this.#store.transaction('readShared', async (tx) => {
      const end = (await tx.sharedLog.end()) ?? { sequence: 0, chain: '' }
      const horizon = await horizonOf(tx)
      if (sequence === 0 && horizon > 0) return { kind: 'snapshot', reason: 'new' } as const
      if (sequence > 0) {
        const known = await tx.sharedLog.chainAt(sequence)
        if (known !== chain) {
          const isAway = known === null && sequence <= horizon
          return { kind: 'snapshot', reason: isAway ? 'away' : 'rewound' } as const
        }
        if (sequence < horizon) return { kind: 'snapshot', reason: 'away' } as const
      }
      const entries = await tx.sharedLog.listAfter(sequence, limits.pageEntries)
      const last = entries.at(-1)
      return {
        kind: 'entries',
        entries: entries.map(entryJson),
        at: last ? { sequence: last.sequence, chain: last.chain } : { sequence, chain },
        more: last !== undefined && last.sequence < end.sequence,
      } as const
    })
  }

  async #privateKey(): Promise<string> {
    this.#key ??= this.#store
      .transaction('changeManager', async ({ settings }) => {
        const known = await settings.find(KEY)
        if (known !== null) return known
        const key = newKey()
        await settings.set(KEY, key)
        return key
      })
      .catch((error: unknown) => {
        this.#key = null
        throw error
      })
    return this.#key
  }

  #wake(): void {
    const before = this.#news
    this.#news = Promise.withResolvers()
    before.resolve()
  }

  async #existing(name: string): Promise<StoredAppliance> {
    const found = await this.#store.appliances.findByName(name)
    if (!found) throw new Failure('appliance.not-found')
    return found
  }
}

/**
 * Who knows of no ruleset may make one where the last was deleted. Where nothing is known of a name any more, its deletion
 * was seen by everybody who is not behind the horizon.
 */
function mayReplace(newest: SharedEntry | null, replaces: number): boolean {
  if (newest === null || newest.sequence === replaces) return true
  return replaces === 0 && newest.digest === null
}

/** Whether all that came after a position is still in the log, and the log has the same past. */
async function leadsOnFrom(tx: Repositories, { sequence, chain }: LogPosition): Promise<boolean> {
  if (sequence < (await horizonOf(tx))) return false
  return sequence === 0 || (await tx.sharedLog.chainAt(sequence)) === chain
}

async function horizonOf({ settings }: Repositories): Promise<number> {
  return Number((await settings.find(HORIZON)) ?? 0)
}

function entryJson({ chain: _, ...entry }: SharedEntry) {
  return entry
}
