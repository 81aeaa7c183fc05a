/**
 * Follows the manager's log: asks for what is behind the known position, waits there for news, and hands each change to
 * the receiver before the position moves on. Where the log does not lead on from the position, it takes a snapshot:
 *
 *   new      this appliance follows for the first time
 *   away     it was away for longer than deletions are kept: what it had published meanwhile is not sent by itself
 *   rewound  the manager was restored from a backup: what it has may be older than what is here, so a person decides
 */

import { Failure } from '../errors/index.ts'
import { type ApplianceReport, limits, setDigest } from '../manager-protocol/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type SharedBesideOwn, type Store } from '../store/index.ts'
import type { ManagerLink } from './manager-client.ts'
import { ownStateOf } from './own-state.ts'
import { followManager, readManagerKey, readPosition, writePosition } from './position.ts'
import type { Receiver } from './receiver.ts'
import { isBehind, isOver, syncStateOf } from './sync-state.ts'

const REASON_LENGTH = 2_000

/** What runs here, each with its version. */
export interface Program {
  readonly version: string
  readonly engine: string
}

export class Follower {
  readonly #store: Store
  readonly #client: ManagerLink
  readonly #receiver: Receiver
  /** The key of the settings; null for the one of the first connection. */
  readonly #key: string | null
  readonly #log: Log
  readonly #program: () => Promise<Program>
  #poll: AbortController | null = null
  /** Something changed since the report was made. */
  #isStale = false
  #name: string | null = null

  constructor(parts: {
    readonly store: Store
    readonly client: ManagerLink
    readonly receiver: Receiver
    readonly key: string | null
    readonly log: Log
    readonly program: () => Promise<Program>
  }) {
    this.#store = parts.store
    this.#client = parts.client
    this.#receiver = parts.receiver
    this.#key = parts.key
    this.#log = parts.log
    this.#program = parts.program
  }

  /** What the manager calls this appliance; null before it was asked. */
  get applianceName(): string | null {
    return this.#name
  }

  /** Ends the wait for news, so that the manager learns how this appliance stands now. */
  refresh(): void {
    this.#isStale = true
    this.#poll?.abort()
  }

  /**
   * Asks once, waiting up to `waitSeconds` for news, and takes what comes. `problem`: what is wrong here, for the
   * manager. Returns whether anything came.
   */
  async follow(waitSeconds: number, problem: string | null, signal: AbortSignal): Promise<boolean> {
    await this.#meet(signal)
    await this.#settleAll()
    const { sequence: after, chain } = await readPosition(this.#store)
    this.#isStale = false
    const report = await this.report(problem)
    const poll = new AbortController()
    this.#poll = poll
    let answer: Awaited<ReturnType<ManagerLink['follow']>>
    try {
      const either = AbortSignal.any([signal, poll.signal])
      const wait = this.#isStale ? 0 : waitSeconds
      answer = await this.#client.follow({ after, chain, wait, report }, either)
    } catch (error) {
      if (poll.signal.aborted && !signal.aborted) return true
      throw error
    } finally {
      this.#poll = null
    }
    if (answer.kind === 'snapshot') {
      await this.#takeSnapshot(answer.reason, signal)
      return true
    }
    // Only the newest of a name counts.
    const newest = new Map(answer.entries.map((entry) => [entry.name, entry]))
    for (const entry of newest.values()) {
      signal.throwIfAborted()
      await this.#receiver.receive(entry, signal)
    }
    if (answer.at.sequence !== after) await writePosition(this.#store, answer.at)
    if (newest.size > 0) await this.#store.sharedTexts.deleteUnreferenced()
    return newest.size > 0 || answer.more || this.#isStale
  }

  async report(problem: string | null): Promise<ApplianceReport> {
    const { sequence } = await readPosition(this.#store)
    const shared = (await this.#store.sharedRulesets.list()).filter((one) => !isOver(one))
    const states: { name: string; digest: string; enabled: boolean }[] = []
    const outOfSync: string[] = []
    const invalid: { name: string; reason: string }[] = []
    let failed: SharedBesideOwn | null = null
    for (const one of shared) {
      const { digest, enabled } = await ownStateOf(this.#store, one)
      if (digest !== null) states.push({ name: one.name, digest, enabled })
      const state = syncStateOf(one, { digest, enabled })
      if (state === 'OutOfSync') outOfSync.push(one.name)
      if (state === 'Error') failed ??= one
      if (one.own && (one.own.state !== 'valid' || one.own.reason !== null)) {
        invalid.push({ name: one.name, reason: (one.own.reason ?? 'It does not run.').slice(0, REASON_LENGTH) })
      }
    }
    return {
      sequence,
      digest: setDigest(states),
      rulesets: states.length,
      waiting: shared.reduce((sum, { waiting }) => sum + waiting, 0),
      ...(await this.#program()),
      problem: (problem ?? (failed && `${failed.name}: ${failed.problem}`) ?? '').slice(0, REASON_LENGTH),
      out_of_sync: outOfSync.slice(0, limits.reportedNames),
      invalid: invalid.slice(0, limits.reportedNames),
    }
  }

  /** Learns which key the manager signs with, the first time, and holds it to that from then on. */
  async #meet(signal: AbortSignal): Promise<void> {
    if (this.#client.trusted !== null && this.#name !== null) return
    const known = this.#key ?? (await readManagerKey(this.#store))
    const identity = await this.#client.identity(signal)
    if (known !== null && identity.key !== known) {
      throw new Failure(
        'manager.untrusted',
        'The manager has another key than this appliance knows it by. If it was replaced, give its key with --manager-key.',
      )
    }
    await followManager(this.#store, identity.key)
    this.#client.trust(identity.key)
    this.#name = identity.appliance
    this.#log.info({ appliance: identity.appliance, key: identity.key }, 'the manager is known')
  }

  /** What an earlier look has noted and could not take. */
  async #settleAll(): Promise<void> {
    for (const shared of await this.#store.sharedRulesets.list()) {
      if (isBehind(shared)) await this.#receiver.settle(shared.name)
    }
  }

  async #takeSnapshot(reason: 'new' | 'away' | 'rewound', signal: AbortSignal): Promise<void> {
    const { publications, journal, sharedRulesets } = this.#store
    const isRewound = reason === 'rewound'
    if (reason !== 'new') {
      const unsent = await publications.clear()
      const why = isRewound ? 'the manager was restored from a backup' : 'this appliance was away for long'
      const what = unsent > 0 ? ` ${unsent} publications that waited are not sent by themselves.` : ''
      await journal.add({
        kind: 'shared-snapshot',
        message: `Rulesets are compared anew: ${why}.${what}`,
        created: now(),
      })
    }
    const names = new Set<string>()
    let at: { readonly sequence: number; readonly chain: string } | null = null
    for (let page = await this.#client.snapshot('', signal); ; ) {
      at ??= page.at
      for (const entry of page.entries) {
        signal.throwIfAborted()
        names.add(entry.name)
        await this.#receiver.receive(entry, signal, { isRewound })
      }
      const last = page.entries.at(-1)
      if (!page.more || !last) break
      page = await this.#client.snapshot(last.name, signal)
    }
    for (const shared of await sharedRulesets.list()) {
      if (names.has(shared.name) || shared.sequence === 0) continue
      if (isOver(shared)) await sharedRulesets.delete(shared.name)
      else await this.#receiver.receiveAbsence(shared.name, { sequence: at.sequence, isRewound })
    }
    await writePosition(this.#store, at)
    await this.#store.sharedTexts.deleteUnreferenced()
    this.#log.info(
      { reason, rulesets: names.size, sequence: at.sequence },
      'a snapshot of the shared rulesets was taken',
    )
  }
}
