/**
 * The cloud as the rest of an appliance sees it: rulesets that run there, hunts over its samples, the time from which
 * its matches are fetched. Without a cloud in the settings everything here answers that there is none, and what is
 * noted for a cloud waits until there is one again.
 *
 * Three loops run from `start` to `stop`: the feeds are read, what is noted is delivered, and what changes in the cloud
 * is followed; with contributing switched on, a fourth sends new samples. Each loop retries with
 * exponential back-off. No request of a user waits for the cloud longer than `cloudWait`.
 */
import { type Account, may } from '../accounts/index.ts'
import { endedBy, Loop } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { pauseAfter } from '../network/index.ts'
import type { Log } from '../scanning/index.ts'
import { type ContentStore, type Micros, now, type Store } from '../store/index.ts'
import type { CloudAccess, CloudSettings } from './access.ts'
import { CloudClient } from './client.ts'
import { CloudRetro } from './cloud-retro.ts'
import { type CloudStatus, statusOf } from './cloud-status.ts'
import { Contribution } from './contribution.ts'
import { FeedReader, feedKinds } from './feed-reader.ts'
import { recordOrigin } from './origin.ts'
import { CloudOutbox } from './outbox.ts'
import { type OutboxBacklog, OutboxSender, waitingOf } from './outbox-sender.ts'
import { Reachability } from './reachability.ts'
import { findKnown } from './ruleset-row.ts'

/** How often a hunt or a validation that is under way is looked at, where feeds are not read more often. */
const FOLLOW_MS = 2_000

/** Asking a cloud that is away costs little, and matches should not wait for long when it is back. */
const LONGEST_FEED_PAUSE_MS = 30_000

/** How the connection does; for metrics. */
export interface CloudCondition extends OutboxBacklog {
  readonly isConnected: boolean
  readonly isReachable: boolean
  /** Milliseconds since each feed was last read to its end; null when it never was. */
  readonly feedLagMs: Readonly<Record<'live' | 'retro', number | null>>
}

interface Connection {
  readonly client: CloudClient
  readonly feeds: FeedReader
  readonly sender: OutboxSender
  readonly retro: CloudRetro
  readonly contribution: Contribution | null
  readonly reachability: Reachability
}

export class Cloud {
  /** The observer that the rulesets call with each change. */
  readonly outbox: CloudOutbox
  readonly #store: Store
  readonly #settings: CloudSettings
  readonly #log: Log
  readonly #connection: Connection | null
  readonly #ended = new AbortController()
  #contributionFailures = 0
  readonly #loops = { feeds: new Loop(), sender: new Loop(), following: new Loop(), contribution: new Loop() }

  /** `access` is what `cloudAccess` reads from the settings. */
  constructor(parts: {
    readonly store: Store
    readonly contents: ContentStore
    readonly settings: CloudSettings
    readonly access: CloudAccess | null
    readonly log: Log
  }) {
    const { store, contents, settings, access, log } = parts
    this.#store = store
    this.#settings = settings
    this.#log = log
    this.outbox = new CloudOutbox({ isConnected: access !== null, wake: () => this.#loops.sender.wake() })
    if (access === null) {
      this.#connection = null
      return
    }
    const client = new CloudClient(access)
    const feeds = new FeedReader({ store, client, log })
    const reachability = new Reachability(store, log)
    const onDelivered = () => {
      // Now the cloud validates it.
      this.#loops.following.wake()
      // A cloud that takes rulesets will report matches too: no need to wait out a pause.
      if (!reachability.isReachable) this.#loops.feeds.wake()
    }
    const sender = new OutboxSender({ store, client, feeds, log, lifetime: this.#ended.signal, onDelivered })
    const onRecorded = () => this.#loops.sender.wake()
    const retro = new CloudRetro({ store, client, sender, feeds, log, lifetime: this.#ended.signal, onRecorded })
    const contribution = settings.cloudContribute === 'on' ? new Contribution({ store, contents, client, log }) : null
    this.#connection = { client, feeds, sender, retro, contribution, reachability }
  }

  get isConnected(): boolean {
    return this.#connection !== null
  }

  /** Begins to talk to the cloud. Call it once. */
  async start(): Promise<void> {
    const connection = this.#connection
    // Without a cloud nothing is validated or hunted there, so nothing keeps a ruleset from being changed.
    if (!connection) return this.#store.rulesets.clearCloudStates()
    const { cloudUrl, cloudUser } = this.#settings
    await recordOrigin(this.#store, `${cloudUser} at ${cloudUrl}`)
    this.#loops.feeds.start((signal) => this.#guarded(() => this.#readFeeds(connection, signal)))
    this.#loops.sender.start(() => this.#guarded(() => connection.sender.deliverDue()))
    this.#loops.following.start((signal) => this.#follow(connection, signal))
    const { contribution } = connection
    if (contribution) {
      await contribution.begin()
      this.#loops.contribution.start((signal) => this.#contribute(contribution, signal))
    }
  }

  /** What is under way is broken off; all of it may be repeated. */
  async stop(): Promise<void> {
    this.#ended.abort()
    await Promise.all(Object.values(this.#loops).map((loop) => loop.stop()))
    this.#connection?.client.close()
  }

  /** Waits a moment for what was noted of a ruleset to reach the cloud, and returns how far it got. */
  async settle(name: string): Promise<CloudStatus> {
    const connection = this.#connection
    if (connection) {
      const wait = AbortSignal.timeout(this.#settings.cloudWait)
      await endedBy(wait, connection.retro.settle(name)).catch((error: unknown) => {
        if (!wait.aborted) throw error
      })
      this.#loops.following.wake()
    }
    return this.#status(name)
  }

  /** `ruleset.not-found`; `cloud.not-connected`. */
  async status(name: string): Promise<CloudStatus> {
    const status = await this.#status(name)
    this.#demandConnection()
    return status
  }

  /** As `status`, `right.missing` for another user's ruleset, and `cloud.wrong-state`, `cloud.unreachable`, `cloud.refused`, …: what went wrong with the cloud. */
  async startHunt(by: Account, name: string): Promise<CloudStatus> {
    return this.#operate(by, name, (retro, signal) => retro.start(name, signal))
  }

  /** As `startHunt`. */
  async stopHunt(by: Account, name: string): Promise<CloudStatus> {
    return this.#operate(by, name, (retro, signal) => retro.stop(name, signal))
  }

  /** Removes what hunts have found, and not what the live feed reported as well. As `startHunt`. */
  async clearHunt(by: Account, name: string): Promise<CloudStatus> {
    return this.#operate(by, name, (retro, signal) => retro.clear(name, signal))
  }

  /** Up to when the cloud's matches are fetched. `cloud.sync-off` without a cloud. */
  async time(): Promise<Micros> {
    if (!this.#connection) throw new Failure('cloud.sync-off')
    const positions = await this.#connection.feeds.positions()
    // Before the cloud was reached for the first time, its time is not known.
    return positions.length > 0 ? Math.min(...positions.map(({ position }) => position)) * 1_000_000 : now()
  }

  /** Matches are fetched from this second on, also again. `cloud.sync-off` without a cloud. */
  async moveTime(second: number): Promise<void> {
    if (!this.#connection) throw new Failure('cloud.sync-off')
    await this.#connection.feeds.move(second)
    this.#loops.feeds.wake()
  }

  async condition(): Promise<CloudCondition> {
    const lag = (feed: 'live' | 'retro') => {
      const caughtUp = positions.find((each) => each.feed === feed)?.caughtUp ?? null
      return caughtUp === null ? null : (now() - caughtUp) / 1000
    }
    const positions = await this.#store.cloudFeeds.positions()
    return {
      isConnected: this.isConnected,
      isReachable: this.#connection?.reachability.isReachable ?? false,
      ...(await waitingOf(this.#store)),
      feedLagMs: { live: lag('live'), retro: lag('retro') },
    }
  }

  async #operate(
    by: Account,
    name: string,
    operation: (retro: CloudRetro, signal: AbortSignal) => Promise<void>,
  ): Promise<CloudStatus> {
    await this.#demandOwner(by, name)
    const { retro } = this.#demandConnection()
    const wait = AbortSignal.timeout(this.#settings.cloudWait)
    const signal = AbortSignal.any([wait, this.#ended.signal])
    try {
      await operation(retro, signal)
    } catch (error) {
      if (error instanceof Failure || !signal.aborted) throw error
      if (!wait.aborted) throw new Failure('service.stopping')
      throw new Failure(
        'cloud.unreachable',
        `The cloud did not answer within ${this.#settings.cloudWait / 1000} s; the state will tell whether it did what it was asked.`,
      )
    } finally {
      this.#loops.following.wake()
      this.#loops.feeds.wake()
    }
    return this.#status(name)
  }

  /** What a hunt finds becomes the ruleset's, and is removed from it: for whoever may change it. */
  async #demandOwner(by: Account, name: string): Promise<void> {
    const ruleset = await this.#store.rulesets.findByName(name)
    if (!ruleset) throw new Failure('ruleset.not-found')
    if (ruleset.ownerId === by.id || may(by, 'rulesets.change-any')) return
    throw new Failure(
      'right.missing',
      'The ruleset was created by another user: its owner and administrators may start, stop and clear its Cloud Retro.',
    )
  }

  async #status(name: string): Promise<CloudStatus> {
    const ruleset = await findKnown(this.#store, name)
    if (!ruleset) throw new Failure('ruleset.not-found')
    return statusOf(ruleset, await this.#store.outbox.find(name))
  }

  #demandConnection(): Connection {
    if (!this.#connection) throw new Failure('cloud.not-connected')
    return this.#connection
  }

  async #readFeeds({ feeds, sender, retro, reachability }: Connection, signal: AbortSignal): Promise<number> {
    try {
      for (const kind of feedKinds) {
        const { fresh: matches } = await feeds.read(kind, signal)
        if (matches > 0) this.#log.info({ feed: kind, matches }, 'the cloud told of matches')
      }
    } catch (error) {
      if (signal.aborted) return 0
      const failures = await reachability.failed(error)
      return pauseAfter(failures, error, Math.max(this.#settings.cloudPoll, LONGEST_FEED_PAUSE_MS))
    }
    if (await reachability.worked()) {
      // It was away, or this is the start: what waits is worth a try now, and what was asked before may have been done
      // or not.
      await sender.hurry()
      await retro.markAllUncertain()
      this.#loops.sender.wake()
      this.#loops.following.wake()
    }
    return this.#settings.cloudPoll
  }

  async #follow({ retro }: Connection, signal: AbortSignal): Promise<number> {
    let failures = 0
    return this.#guarded(async () => {
      const changing = await retro.changing()
      for (const ruleset of changing) {
        try {
          await retro.follow(ruleset, signal)
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          failures += 1
          this.#log.warn({ ruleset: ruleset.name, reason: error.message }, 'the cloud does not tell about a ruleset')
          // Others will fare no better with a cloud that is away.
          if (error.code !== 'cloud.refused') return Math.max(FOLLOW_MS, pauseAfter(failures, error))
        }
      }
      return changing.length > 0 ? Math.min(FOLLOW_MS, this.#settings.cloudPoll) : this.#settings.cloudPoll
    })
  }

  async #contribute(contribution: Contribution, signal: AbortSignal): Promise<number> {
    return this.#guarded(async () => {
      try {
        await contribution.send(signal)
        this.#contributionFailures = 0
        return Math.min(FOLLOW_MS, this.#settings.cloudPoll)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        this.#contributionFailures += 1
        this.#log.warn({ reason: error.message }, 'a sample could not be sent to the cloud yet')
        return pauseAfter(this.#contributionFailures, error)
      }
    })
  }

  /** A defect, or a full disk, must not end a loop for good. */
  async #guarded(work: () => Promise<number>): Promise<number> {
    try {
      return await work()
    } catch (error) {
      if (this.#ended.signal.aborted) return 0
      this.#log.error({ err: error }, 'work on the cloud failed, and is tried again')
      return pauseAfter(4, error)
    }
  }
}
