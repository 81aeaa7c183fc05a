/**
 * The group of appliances as the rest of one sees it: what is published to the manager, how the shared rulesets stand, and what a
 * person decides about those that are OutOfSync. Without a manager in the settings everything here answers that there is
 * none.
 *
 * Two loops run from `start` to `stop`: the manager's log is followed, and what was published is sent. Both live with a
 * manager that is away, by pauses that grow up to `syncPoll`. No request of a user waits for it longer than `managerWait`.
 */
import { type Account, type Accounts, may } from '../accounts/index.ts'
import { aborted, Loop } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { limits } from '../manager-protocol/index.ts'
import { pauseAfter } from '../network/index.ts'
import { checkName, type Rulesets, unpackText } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import {
  type Micros,
  now,
  type SharedBesideOwn,
  type SharedState,
  type Store,
  type UnitOfWork,
} from '../store/index.ts'
import type { ManagerAccess, ManagerSettings } from './access.ts'
import { Follower, type Program } from './follower.ts'
import { ManagerClient } from './manager-client.ts'
import type { PublicationOutbox } from './outbox.ts'
import { ownStateOf } from './own-state.ts'
import { readPosition } from './position.ts'
import { PublicationSender } from './publication-sender.ts'
import { Receiver } from './receiver.ts'
import { isBehind, isOver, isSame, type SyncState, syncStateOf } from './sync-state.ts'

/** A failure is reported to operators from this one in a row on. */
const REPORTED_AT = 2
/** A manager, or a proxy, that does not wait is asked this often. */
const IMPATIENT_MS = 5_000
/** Rulesets that requests wait for together. */
const SETTLED_AT_ONCE = 4
/** A text that does not compile is stored, and goes nowhere. */
export const NOT_PUBLISHED = {
  state: 'not-published',
  sequence: null,
  problem: 'It does not compile on this appliance.',
} as const

export interface SharedListing extends SharedBesideOwn {
  readonly syncState: SyncState
  readonly ownState: SharedState
  /** The manager has something that was not taken: a person decides. */
  readonly isBehind: boolean
}

export interface PublishingStatus {
  readonly hasManager: boolean
  readonly url: string
  /** What the manager calls this appliance; null before the first contact. */
  readonly name: string | null
  readonly key: string | null
  readonly sequence: number
  /** When the manager last answered; null for never since the start. */
  readonly lastContact: Micros | null
  readonly problem: string | null
}

/** What became of something that was published; `not-published`: it does not compile here, and is not shared. */
export interface Published {
  readonly state: 'published' | 'waiting' | 'out-of-sync' | 'not-published'
  /** Of the manager; null before it has one. */
  readonly sequence: number | null
  readonly problem: string | null
}

interface Connection {
  readonly client: ManagerClient
  readonly receiver: Receiver
  readonly follower: Follower
  readonly sender: PublicationSender
}

export class Publishing {
  readonly #store: Store
  readonly #outbox: PublicationOutbox
  readonly #settings: ManagerSettings
  readonly #log: Log
  readonly #connection: Connection | null
  readonly #ended = new AbortController()
  readonly #loops = { following: new Loop(), sending: new Loop() }
  #failures = 0
  #problem: string | null = null
  #isDisabled = false
  #lastContact: Micros | null = null

  /** `access` is what `managerAccess` reads from the settings. */
  constructor(parts: {
    readonly store: Store
    readonly rulesets: Rulesets
    readonly accounts: Accounts
    readonly outbox: PublicationOutbox
    readonly settings: ManagerSettings
    readonly access: ManagerAccess | null
    readonly program: () => Promise<Program>
    readonly log: Log
  }) {
    const { store, rulesets, accounts, settings, access, program, log } = parts
    this.#store = store
    this.#outbox = parts.outbox
    this.#settings = settings
    this.#log = log
    if (access === null) {
      this.#connection = null
      return
    }
    const client = new ManagerClient(access)
    const lastWins = settings.syncConflicts === 'last-wins'
    const receiver = new Receiver({ store, rulesets, accounts, client, lastWins })
    const follower = new Follower({ store, client, receiver, key: access.key, log, program })
    const lifetime = this.#ended.signal
    const onSettled = () => follower.refresh()
    const sender = new PublicationSender({ store, client, receiver, lastWins, log, lifetime, onSettled })
    this.#connection = { client, receiver, follower, sender }
  }

  get hasManager(): boolean {
    return this.#connection !== null
  }

  /** Something was published or taken. */
  wake(): void {
    this.#loops.sending.wake()
  }

  /** Begins to talk to the manager. Call it once. */
  start(): void {
    const connection = this.#connection
    if (!connection) return
    this.#loops.following.start((signal) => this.#follow(connection, signal))
    this.#loops.sending.start(() => this.#send(connection))
  }

  /** What is under way is broken off; all of it may be repeated. */
  async stop(): Promise<void> {
    this.#ended.abort()
    await Promise.all(Object.values(this.#loops).map((loop) => loop.stop()))
    this.#connection?.client.close()
  }

  mayPublish(by: Account): boolean {
    const isForUsers = this.#settings.syncPublishers === 'users' && may(by, 'content.change')
    return isForUsers || may(by, 'rulesets.publish')
  }

  /** Why nothing of this account is published now; null when it is. */
  refusal(by: Account): Failure | null {
    if (!this.mayPublish(by)) return new Failure('publish.refused')
    const missing = this.#missing()
    return missing === null ? null : new Failure('publish.refused', `Nothing was published: ${missing}.`)
  }

  /** The same where the rest of what was asked for is done all the same; `done` says what. */
  refusalBeside(by: Account, done: string): string | null {
    if (!this.mayPublish(by)) return 'Publish requests with non-admin token - not published'
    const missing = this.#missing()
    return missing === null ? null : `${done}; not published: ${missing}.`
  }

  /**
   * Publishes a ruleset as it is. `publish.refused` also for one that does not compile here; `ruleset.name-invalid`,
   * `ruleset.not-found`, `ruleset.core`, and `ruleset.foreign` where a user publishes somebody else's.
   */
  async publish(by: Account, name: string): Promise<Published> {
    checkName(name, 'ruleset.name-invalid')
    const ruleset = await this.#store.rulesets.findByName(name)
    if (!ruleset) throw new Failure('ruleset.not-found')
    if (ruleset.core) throw new Failure('ruleset.core', 'Core ruleset cannot be published')
    const refusal = this.refusal(by)
    if (refusal) throw refusal
    demandOwner(by, ruleset)
    if (ruleset.state === 'invalid') {
      throw new Failure('publish.refused', `${name} was not published: it does not compile on this appliance.`)
    }
    await this.#commit((tx) => this.#publishOwn(tx, name, by.name))
    return this.settle(name)
  }

  /**
   * Publishes every ruleset that is no core ruleset and compiles; a user who may publish own ones alone, all of those.
   * Returns how many those are.
   */
  async publishAll(by: Account): Promise<number> {
    const refusal = this.refusal(by)
    if (refusal) throw refusal
    const type = may(by, 'rulesets.publish') ? 'user' : 'my'
    const query = { type, status: 'all', source: 'all', page: null } as const
    const { results } = await this.#store.transaction('listRulesets', ({ rulesets }) => rulesets.list(by.id, query))
    let published = 0
    for (const { name, core } of results) {
      if (core) continue
      const isPublished = await this.#commit((tx) => this.#publishOwn(tx, name, by.name))
      if (isPublished) published += 1
    }
    return published
  }

  /** Waits a moment for what was published of a ruleset to reach the manager, and returns how far it got. */
  async settle(name: string): Promise<Published> {
    return this.#settled(name, AbortSignal.timeout(this.#settings.managerWait))
  }

  /** The same of many, within the time of one. */
  async settleMany(names: readonly string[]): Promise<Map<string, Published>> {
    const wait = AbortSignal.timeout(this.#settings.managerWait)
    const settled = new Map<string, Published>()
    const waiting = names.values()
    const settleRest = async () => {
      for (const name of waiting) settled.set(name, await this.#settled(name, wait))
    }
    await Promise.all(Array.from({ length: SETTLED_AT_ONCE }, settleRest))
    return settled
  }

  async #settled(name: string, wait: AbortSignal): Promise<Published> {
    const { publications, sharedRulesets, rulesets } = this.#store
    const connection = this.#connection
    if (connection) await Promise.race([this.#sendAll(connection, name, wait), aborted(wait)])
    const first = await publications.first(name)
    const shared = await sharedRulesets.findBesideOwn(name)
    const sequence = shared && shared.sequence > 0 ? shared.sequence : null
    if (first) return { state: 'waiting', sequence, problem: first.problem ?? this.#problem }
    if (!shared) {
      const isHere = (await rulesets.findByName(name)) !== null
      return isHere ? NOT_PUBLISHED : { state: 'published', sequence, problem: null }
    }
    const isAsShared = isSame(await ownStateOf(this.#store, shared), shared)
    return { state: isAsShared ? 'published' : 'out-of-sync', sequence, problem: shared.problem }
  }

  async status(): Promise<PublishingStatus> {
    const { sequence } = await readPosition(this.#store)
    return {
      hasManager: this.hasManager,
      url: this.#settings.managerUrl,
      name: this.#connection?.follower.applianceName ?? null,
      key: this.#connection?.client.trusted ?? null,
      sequence,
      lastContact: this.#lastContact,
      problem: this.#problem,
    }
  }

  /** The shared rulesets by name. */
  async list(): Promise<SharedListing[]> {
    const shared = (await this.#store.sharedRulesets.list()).filter((one) => !isOver(one))
    return Promise.all(shared.map((one) => this.#listing(one)))
  }

  /** With both texts; null where there is none. `shared.not-found`. */
  async find(
    name: string,
  ): Promise<SharedListing & { readonly ownText: string | null; readonly sharedText: string | null }> {
    const shared = await this.#store.sharedRulesets.findBesideOwn(name)
    if (!shared || isOver(shared)) throw new Failure('shared.not-found')
    const { own, digest } = shared
    return {
      ...(await this.#listing(shared)),
      ownText: own?.revisionId ? await this.#store.revisions.contentOf(own.revisionId) : null,
      sharedText: digest === null ? null : await this.#sharedText(digest),
    }
  }

  /**
   * Decides about a ruleset that is OutOfSync: what is here goes to all, or what is shared comes here. `sequence` is what
   * the person has seen. `shared.not-found`, `shared.changed` where something newer is shared by now, `publish.refused`,
   * and `ruleset.foreign` where a user decides about what is not theirs.
   */
  async resolve(
    by: Account,
    name: string,
    { keeps, sequence }: { readonly keeps: 'own' | 'shared'; readonly sequence: number },
  ): Promise<Published> {
    const refusal = this.refusal(by)
    if (refusal) throw refusal
    demandOwner(by, await this.#store.rulesets.findByName(name))
    if (keeps === 'shared') {
      await this.#connection?.receiver.takeShared(name, sequence)
      this.#connection?.follower.refresh()
      return this.settle(name)
    }
    await this.#commit(async (tx) => {
      const row = await tx.sharedRulesets.find(name)
      if (!row) throw new Failure('shared.not-found')
      if (row.sequence !== sequence) throw new Failure('shared.changed')
      const { digest, enabled } = row
      await tx.sharedRulesets.put({ ...row, taken: sequence, takenState: { digest, enabled }, problem: null })
      const own = await tx.rulesets.findByName(name)
      if (own?.core) throw new Failure('ruleset.core', 'Core ruleset cannot be published')
      if (own?.state === 'invalid') {
        throw new Failure('publish.refused', `${name} was not published: it does not compile on this appliance.`)
      }
      if (own) await this.#publishOwn(tx, name, by.name)
      else await this.#outbox.publish(tx, name, { text: null, enabled: false, author: by.name })
    })
    return this.settle(name)
  }

  async #commit<T>(work: (tx: UnitOfWork) => Promise<T>): Promise<T> {
    const result = await this.#store.transaction('recordShared', work)
    this.#outbox.committed()
    return result
  }

  /** Notes a ruleset as it is; false for one that does not compile. */
  async #publishOwn(tx: UnitOfWork, name: string, author: string): Promise<boolean> {
    const ruleset = await tx.rulesets.findByName(name)
    if (!ruleset || ruleset.core || ruleset.state === 'invalid') return false
    const text = await tx.rulesets.findText(ruleset.id)
    await this.#outbox.publish(tx, name, { text, enabled: text.enabled, author })
    return true
  }

  /** What keeps everybody from publishing; null for nothing. */
  #missing(): string | null {
    if (!this.#connection) return 'YARA synchronization is not enabled on this appliance'
    return this.#isDisabled ? 'YARA synchronization is not enabled for this appliance on the connected manager' : null
  }

  async #sharedText(digest: string): Promise<string | null> {
    const packed = await this.#store.sharedTexts.find(digest)
    return packed === null ? null : unpackText(packed)
  }

  async #listing(shared: SharedBesideOwn): Promise<SharedListing> {
    const ownState = await ownStateOf(this.#store, shared)
    return { ...shared, ownState, syncState: syncStateOf(shared, ownState), isBehind: isBehind(shared) }
  }

  /** All that waits under a name, as long as the manager takes it. */
  async #sendAll({ sender, client, follower }: Connection, name: string, until: AbortSignal): Promise<void> {
    while (!until.aborted && client.trusted !== null) {
      const first = await this.#store.publications.first(name)
      if (!first) return follower.refresh()
      await sender.send(name)
      const next = await this.#store.publications.first(name)
      if (next?.id === first.id && next.attempts === first.attempts) return
      if (next?.problem) return
    }
  }

  async #follow({ follower }: Connection, signal: AbortSignal): Promise<number> {
    const began = Date.now()
    try {
      const wait = this.#lastContact === null || this.#failures > 0 ? 0 : limits.waitSeconds
      const hasNews = await follower.follow(wait, null, signal)
      const wasAway = this.#failures > 0 || this.#lastContact === null
      this.#lastContact = now()
      this.#isDisabled = false
      if (wasAway) await this.#back()
      return !hasNews && wait > 0 && Date.now() - began < 1_000 ? IMPATIENT_MS : 0
    } catch (error) {
      if (signal.aborted) return 0
      return this.#away(error)
    }
  }

  async #send({ sender, client }: Connection): Promise<number> {
    // Before the log was looked at once, nothing is sent: this appliance may have been away for long.
    if (client.trusted === null || this.#lastContact === null) return Number.POSITIVE_INFINITY
    try {
      return await sender.sendDue()
    } catch (error) {
      if (this.#ended.signal.aborted) return 0
      this.#log.error({ err: error }, 'publishing failed, and is tried again')
      return pauseAfter(4, error)
    }
  }

  /** The manager answers again: what waits is worth a try now. */
  async #back(): Promise<void> {
    const wasReported = this.#failures >= REPORTED_AT
    this.#failures = 0
    this.#problem = null
    await this.#store.publications.makeDue(now())
    if (wasReported) await this.#record('manager-back', 'The manager answers again.')
    this.#loops.sending.wake()
  }

  async #away(error: unknown): Promise<number> {
    this.#failures += 1
    this.#isDisabled = error instanceof Failure && error.code === 'manager.disabled'
    if (error instanceof Failure) {
      this.#problem = error.message
      this.#log.warn({ failures: this.#failures, reason: error.message }, 'the manager cannot be followed')
      if (this.#failures === REPORTED_AT) await this.#record('manager-away', error.message)
    } else {
      this.#problem = 'Following the manager failed; the log says why.'
      this.#log.error({ err: error }, 'following the manager failed, and is tried again')
    }
    return pauseAfter(this.#failures, error, this.#settings.syncPoll)
  }

  async #record(kind: string, message: string): Promise<void> {
    await this.#store.journal
      .add({ kind, message, created: now() })
      // A full disk is reported elsewhere.
      .catch((error: unknown) => this.#log.error({ err: error }, 'the journal cannot be written'))
  }
}

/** Users whom a setting lets publish do that with what is theirs. */
function demandOwner(by: Account, ruleset: { readonly ownerId: number } | null): void {
  if (ruleset?.ownerId !== by.id && !may(by, 'rulesets.publish')) throw new Failure('ruleset.foreign')
}
