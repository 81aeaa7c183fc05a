/**
 * Cloud Retro: one ruleset hunted with over the samples of the cloud, and what the cloud says of rulesets that are
 * there. Every operation asks the cloud at once and fails with what went wrong there; whether it took effect all the
 * same (an answer can be lost) is found out by `follow`. The operations on one ruleset happen one after the other.
 *
 * A hunt is COMPLETE here only when the retro feed is read up to its end: whoever sees COMPLETE sees all its matches.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { endedBy, KeyedLock } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { clearRetroMatches } from '../matches/index.ts'
import type { Log } from '../scanning/index.ts'
import { type CloudRuleset, type CloudRulesetChange, now, type RetroState, type Store } from '../store/index.ts'
import type { CloudClient, RetroStatusJson } from './client.ts'
import type { FeedReader } from './feed-reader.ts'
import { afterStatus, finishSecondOf, retroStateOf } from './hunt-states.ts'
import type { OutboxSender } from './outbox-sender.ts'
import { findKnown, isHunting, isThere, type KnownRuleset, writeRow } from './ruleset-row.ts'

/** A second of the cloud's clock, and some. */
const NEXT_SECOND_MS = 300
/** How long a ruleset that is being validated rests between two looks. */
const LOOK_AGAIN_MS = 250
/** Rulesets that are looked at in one go for no other reason than that they were not yet; each takes a second. */
const UNSEEN_AT_ONCE = 5

interface Followed {
  readonly id: number
  readonly name: string
}

export class CloudRetro {
  readonly #store: Store
  readonly #client: CloudClient
  readonly #sender: OutboxSender
  readonly #feeds: FeedReader
  readonly #log: Log
  readonly #lifetime: AbortSignal
  readonly #onRecorded: () => void
  readonly #locks = new KeyedLock<number>()
  /** Rulesets with a request whose answer was lost. */
  readonly #uncertain = new Set<number>()
  /** Rulesets that were not looked at since the cloud was away, or since the start. */
  readonly #unseen = new Set<number>()

  constructor(parts: {
    readonly store: Store
    readonly client: CloudClient
    readonly sender: OutboxSender
    readonly feeds: FeedReader
    readonly log: Log
    /** Ends what no request waits for. */
    readonly lifetime: AbortSignal
    /** Called when something was noted to be delivered. */
    readonly onRecorded: () => void
  }) {
    this.#store = parts.store
    this.#client = parts.client
    this.#sender = parts.sender
    this.#feeds = parts.feeds
    this.#log = parts.log
    this.#lifetime = parts.lifetime
    this.#onRecorded = parts.onRecorded
  }

  /** Fails with `ruleset.not-found`, `cloud.wrong-state`, or what went wrong with the cloud. */
  async start(name: string, signal: AbortSignal): Promise<void> {
    const { id } = await this.#demand(name)
    // The delivery is for everybody, and goes on when this request no longer waits for it.
    await endedBy(signal, this.settle(name))
    await this.#locks.withLock(id, async () => {
      const { cloud } = await this.#demandThere(name)
      if (isHunting(cloud)) throw wrongState('A Cloud Retro hunt runs already.', cloud)
      // What an earlier hunt found goes from the feed when the next one starts.
      if (cloud.retroState === 'CANCELLED' || cloud.retroState === 'ERROR') await this.#feeds.read('retro', signal)
      await this.#passCleared(name, cloud.clearedUntil, signal)
      await this.#ask(id, () => this.#client.startRetro(name, signal), 'The cloud does not start the hunt')
      await this.#write(id, {
        retroState: 'RUNNING',
        retroStarted: null,
        retroFinished: null,
        retroEstimated: null,
        retroProgress: 0,
        retroReason: null,
        retroCapped: false,
      })
    })
  }

  /** Fails as `start` does. */
  async stop(name: string, signal: AbortSignal): Promise<void> {
    const { id } = await this.#demand(name)
    await this.#locks.withLock(id, async () => {
      const ruleset = await this.#demandThere(name)
      const { cloud } = ruleset
      if (!isHunting(cloud)) throw wrongState('No Cloud Retro hunt runs.', cloud)
      try {
        await this.#ask(id, () => this.#client.cancelRetro(name, signal), 'The cloud does not stop the hunt')
      } catch (error) {
        // It may have ended by itself: then that is the state that stands in the way.
        const answer = await this.#client.retroStatus(name, signal).catch(() => null)
        if (answer) await this.#take(ruleset, answer, signal)
        const row = await this.#store.cloudRulesets.find(id)
        if (row?.retroState === 'CANCELLED') return
        if (row && !isHunting(row)) throw wrongState('No Cloud Retro hunt runs.', row)
        throw error
      }
      await this.#write(id, { retroState: 'CANCELLED', retroProgress: null, retroEstimated: null })
      // Its status has the time of its end.
      this.#uncertain.add(id)
    })
  }

  /** Removes the results of hunts, and keeps them away. Fails as `start` does. */
  async clear(name: string, signal: AbortSignal): Promise<void> {
    const { id } = await this.#demand(name)
    await this.#locks.withLock(id, async () => {
      const { cloud } = await this.#demand(name)
      if (!cloud) throw notSaved(null)
      if (isHunting(cloud)) throw wrongState('A Cloud Retro hunt runs; stop it before its results are cleared.', cloud)
      // Up to the cloud's present second: what its feed reports from before it is what is cleared now.
      await this.#client.info(name, signal)
      const second = this.#client.clock ?? Math.floor(Date.now() / 1000)
      await this.#store.transaction('clearRetro', async (tx) => {
        await clearRetroMatches(tx, id)
        await tx.samples.deleteUnreferenced()
        await writeRow(tx, id, {
          retroState: 'CLEARED',
          retroProgress: null,
          retroEstimated: null,
          retroReason: null,
          retroCapped: false,
          clearedUntil: second,
        })
      })
    })
  }

  /**
   * Delivers what is noted of a ruleset and waits until the cloud has validated it, or there is nothing to wait for.
   * Failures are in the row and not in the result.
   */
  async settle(name: string): Promise<void> {
    const signal = this.#lifetime
    await this.#sender.deliver(name)
    for (;;) {
      const known = await findKnown(this.#store, name)
      if (known?.cloud?.state !== 'validating') return
      try {
        await this.#follow(known, signal)
      } catch (error) {
        if (error instanceof Failure) return
        throw error
      }
      if ((await this.#store.cloudRulesets.find(known.id))?.state !== 'validating') return
      await pause(LOOK_AGAIN_MS, undefined, { signal })
    }
  }

  /** Asks again of every ruleset that the cloud should have. */
  async markAllUncertain(): Promise<void> {
    for (const id of await this.#store.cloudRulesets.listThere()) this.#unseen.add(id)
  }

  /**
   * The rulesets to look at now: those whose state changes in the cloud or is uncertain, and behind them a few of those
   * that were not looked at since the cloud was away. These may be all, and must not hold up a hunt that runs.
   */
  async changing(): Promise<Followed[]> {
    const rows = await this.#store.cloudRulesets.listChanging([...this.#uncertain, ...this.#unseen])
    const isUrgent = ({ id, state, retroState }: (typeof rows)[number]) =>
      state === 'validating' || isUnderWay(retroState) || this.#uncertain.has(id)
    const resting = new Map(rows.filter((row) => !isUrgent(row)).map((row) => [row.id, row]))
    const unseen = [...this.#unseen].flatMap((id) => resting.get(id) ?? [])
    return [...rows.filter(isUrgent), ...unseen.slice(0, UNSEEN_AT_ONCE)]
  }

  /** Brings what is known of a ruleset up to date. */
  async follow(ruleset: Followed, signal: AbortSignal): Promise<void> {
    // Should that fail, the others' turn comes before its next one.
    if (this.#unseen.delete(ruleset.id)) this.#unseen.add(ruleset.id)
    await this.#locks.withLock(ruleset.id, () => this.#follow(ruleset, signal))
  }

  async #follow({ id, name }: Followed, signal: AbortSignal): Promise<void> {
    const row = await this.#store.cloudRulesets.find(id)
    if (!row || !isThere(row)) return this.#certain(id)
    const info = await this.#client.info(name, signal)
    if (info === null) return this.#lost({ id, name })
    if (row.state === 'validating' && info.approved) {
      const isNew = row.retroState === 'IDLE' || row.retroState === 'VALIDATING'
      await this.#write(id, { state: 'stored', reason: null, ...(isNew && { retroState: 'READY' }) })
      // Nothing was asked of it yet, so there is nothing else to find out.
      if (isNew && !this.#uncertain.has(id) && !this.#unseen.has(id)) return
    }
    const answer = await this.#client.retroStatus(name, signal)
    const hunt = answer && retroStateOf(answer)
    if (row.state === 'validating' && !info.approved) {
      if (!info.valid || hunt === 'ERROR') {
        const reason = answer?.reason ?? 'The cloud does not approve the ruleset.'
        await this.#write(id, { state: 'refused', reason })
        this.#log.warn({ ruleset: name, reason }, 'the cloud refused the ruleset')
      }
    }
    if (answer) await this.#take({ id, name }, answer, signal)
    this.#certain(id)
  }

  #certain(id: number): void {
    this.#uncertain.delete(id)
    this.#unseen.delete(id)
  }

  /** Stores what the cloud reported of a hunt. */
  async #take({ id, name }: Followed, answer: RetroStatusJson, signal: AbortSignal): Promise<void> {
    const row = await this.#store.cloudRulesets.find(id)
    const change = row && afterStatus(row, answer)
    if (!row || !change) return
    if (change.retroState === 'COMPLETE') {
      const second = finishSecondOf(answer) ?? this.#client.clock
      if (second === null) await this.#feeds.read('retro', signal)
      else await this.#feeds.readUpTo('retro', second, signal)
    }
    await this.#write(id, change)
    if (change.retroState !== row.retroState) {
      this.#log.info({ ruleset: name, state: change.retroState }, 'the Cloud Retro hunt changed its state')
    }
  }

  /** Somebody took the ruleset out of the cloud: it is brought there again. */
  async #lost({ id, name }: Followed): Promise<void> {
    this.#log.warn({ ruleset: name }, 'the cloud has lost the ruleset, which is sent again')
    await this.#store.transaction('changeCloud', async (tx) => {
      const row = await tx.cloudRulesets.find(id)
      const waiting = await tx.outbox.find(name)
      if (!row || waiting || row.revisionId === null) return
      await tx.outbox.add({ name, rulesetId: id, revisionId: row.revisionId, at: now() })
      const over = isHunting(row) ? ({ retroState: 'CANCELLED', retroProgress: null } as const) : {}
      await writeRow(tx, id, { state: 'absent', revisionId: null, ...over })
    })
    this.#certain(id)
    this.#onRecorded()
  }

  /** Runs a request that changes something; one whose answer was lost leaves the state uncertain. */
  async #ask(id: number, request: () => Promise<unknown>, refusalMessage: string): Promise<void> {
    try {
      await request()
    } catch (error) {
      this.#uncertain.add(id)
      if (error instanceof Failure && (error.detail.status === 400 || error.detail.status === 409)) {
        const row = await this.#store.cloudRulesets.find(id)
        throw wrongState(`${refusalMessage}: ${error.detail.said || error.message}`, row)
      }
      throw error
    }
  }

  /** Waits until the cloud's clock has left the second up to which results are kept away. */
  async #passCleared(name: string, clearedUntil: number, signal: AbortSignal): Promise<void> {
    if (clearedUntil > 0) await this.#client.info(name, signal)
    while (this.#client.clock !== null && this.#client.clock <= clearedUntil) {
      await pause(NEXT_SECOND_MS, undefined, { signal })
      await this.#client.info(name, signal)
    }
  }

  async #demand(name: string): Promise<KnownRuleset> {
    const ruleset = await findKnown(this.#store, name)
    if (!ruleset) throw new Failure('ruleset.not-found')
    return ruleset
  }

  /** Of a ruleset that the cloud has, in the text that is current here. */
  async #demandThere(name: string): Promise<KnownRuleset & { readonly cloud: CloudRuleset }> {
    const ruleset = await this.#demand(name)
    const { cloud, enabled } = ruleset
    if (!cloud?.wanted) throw notSaved(null)
    if (!enabled) throw wrongState('The ruleset is disabled; enable it before a Cloud Retro hunt.', cloud)
    if (!isThere(cloud)) {
      const waiting = await this.#store.outbox.find(name)
      throw notSaved(cloud.reason ?? waiting?.problem ?? ruleset.reason)
    }
    return { ...ruleset, cloud }
  }

  async #write(id: number, change: CloudRulesetChange): Promise<void> {
    await this.#store.transaction('changeCloud', (tx) => writeRow(tx, id, change))
  }
}

function isUnderWay(state: RetroState): boolean {
  return state === 'RUNNING' || state === 'VALIDATING'
}

function wrongState(message: string, row: CloudRuleset | null): Failure {
  return new Failure('cloud.wrong-state', message, row ? { state: row.retroState } : {})
}

function notSaved(reason: string | null): Failure {
  const why = reason === null ? '; save it with ticloud=true' : ` yet: ${reason}`
  return new Failure('cloud.wrong-state', `The ruleset is not saved to Spectra Intelligence${why}`)
}
