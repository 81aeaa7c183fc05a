/**
 * Sends what was published to the manager, the publications of a name one after the other.
 *
 *   noted → sent → (no answer) → noted, with a problem and a later `due`; sent again as the same change
 *                → accepted: it goes, and what was sent is what was taken
 *                → replaced: the manager has something newer. It goes, and the ruleset is OutOfSync; with `last-wins`
 *                  it is sent again, in place of the newer one
 *                → behind: the manager's log does not lead on from what is known here; a snapshot comes first
 */
import { OnePerKey } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import type { EntryJson } from '../manager-protocol/index.ts'
import { LONGEST_PAUSE_MS, pauseAfter } from '../network/index.ts'
import { unpackText } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type Publication, type Store } from '../store/index.ts'
import type { ManagerLink } from './manager-client.ts'
import { readPosition } from './position.ts'
import { noteEntry, type Receiver, recordAccepted } from './receiver.ts'

/** Different names at once. */
const AT_ONCE = 4
/** Another attempt would meet the same answer. */
const FOR_GOOD = [400, 413, 422]

export class PublicationSender {
  readonly #store: Store
  readonly #client: ManagerLink
  readonly #receiver: Receiver
  readonly #lastWins: boolean
  readonly #log: Log
  readonly #lifetime: AbortSignal
  readonly #onSettled: () => void
  readonly #sending = new OnePerKey<string>()

  constructor(parts: {
    readonly store: Store
    readonly client: ManagerLink
    readonly receiver: Receiver
    readonly lastWins: boolean
    readonly log: Log
    readonly lifetime: AbortSignal
    /** Called when what was due has been sent. */
    readonly onSettled: () => void
  }) {
    this.#store = parts.store
    this.#client = parts.client
    this.#receiver = parts.receiver
    this.#lastWins = parts.lastWins
    this.#log = parts.log
    this.#lifetime = parts.lifetime
    this.#onSettled = parts.onSettled
  }

  /** Sends everything that is due. Returns the milliseconds until something is due again; infinite for never. */
  async sendDue(): Promise<number> {
    for (let sent = 0; ; sent++) {
      this.#lifetime.throwIfAborted()
      const due = await this.#store.publications.findDue(now(), AT_ONCE)
      if (due.length === 0) {
        if (sent > 0) this.#onSettled()
        break
      }
      await Promise.all(due.map((name) => this.send(name)))
    }
    const next = await this.#store.publications.nextDue()
    if (next === null) return Number.POSITIVE_INFINITY
    const pause = (next - now()) / 1000
    // No pause is that long: the clock was set back since.
    if (pause > LONGEST_PAUSE_MS) await this.#store.publications.makeDue(now())
    return pause > LONGEST_PAUSE_MS ? 0 : Math.max(0, pause)
  }

  /** Sends the first publication of a name now; joins one that is under way. Does not report failures. */
  send(name: string): Promise<void> {
    return this.#sending.run(name, () => this.#try(name))
  }

  async #try(name: string): Promise<void> {
    const publication = await this.#store.publications.first(name)
    if (!publication) return
    try {
      await this.#send(publication)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      await this.#failed(publication, error)
    }
  }

  async #send(publication: Publication): Promise<void> {
    const { publications, sharedRulesets, sharedTexts } = this.#store
    const { id, name, change, digest, enabled, author } = publication
    const row = await sharedRulesets.find(name)
    const packed = digest === null ? null : await sharedTexts.find(digest)
    if (packed === null && digest !== null) throw new Error(`The text of a publication of ${name} is gone.`)
    const deleted = digest === null
    const { sequence: known, chain } = await readPosition(this.#store)
    // From here on it may be there.
    await publications.countAttempt(id)
    const replaces = row?.taken ?? 0
    const text = packed === null ? '' : await unpackText(packed)
    const answer = await this.#client.publish(
      { change, name, replaces, known, chain, enabled, author, deleted, text },
      this.#lifetime,
    )
    if (answer.kind === 'accepted') {
      await this.#store.transaction('recordShared', (tx) => recordAccepted(tx, answer.entry, id))
      this.#log.info({ ruleset: name, sequence: answer.entry.sequence }, 'the ruleset was published')
    } else if (answer.kind === 'behind') {
      throw new Failure('manager.refused', 'This appliance compares its rulesets with the shared ones first.')
    } else if (this.#lastWins && answer.newest !== null) {
      return this.#insist(answer.newest)
    } else {
      await this.#giveWay(publication, answer.newest)
    }
    await this.#receiver.settle(name)
  }

  /** Makes as if the newest had been taken here: the next attempt replaces it. */
  async #insist(newest: EntryJson): Promise<void> {
    const { digest, sequence, enabled } = newest
    const isKnown = digest === null || (await this.#store.sharedTexts.has(digest))
    const packed = isKnown ? null : await this.#client.text(digest, this.#lifetime)
    await this.#store.transaction('recordShared', async (tx) => {
      if (digest !== null && packed !== null) await tx.sharedTexts.add(digest, packed)
      await noteEntry(tx, newest, { taken: sequence, takenState: { digest, enabled } })
    })
  }

  /** What is here stays, and is OutOfSync, with the text of the newest beside it from now on. */
  async #giveWay({ id, name }: Publication, newest: EntryJson | null): Promise<void> {
    if (newest !== null) await this.#receiver.receive(newest, this.#lifetime)
    const whose = newest === null ? '' : ` by ${newest.author} on ${newest.appliance}`
    const message = `${name} was not published: it was changed meanwhile${whose}.`
    await this.#store.transaction('recordShared', async ({ publications, journal }) => {
      await publications.delete(id)
      await journal.add({ kind: 'publication-refused', message, created: now() })
    })
    this.#log.warn(
      { ruleset: name, newest: newest?.sequence },
      'the ruleset was not published: it was changed meanwhile',
    )
  }

  async #failed({ id, name, attempts }: Publication, failure: Failure): Promise<void> {
    if (FOR_GOOD.includes(Number(failure.detail.status))) {
      await this.#store.transaction('recordShared', async ({ publications, sharedRulesets, journal }) => {
        await publications.delete(id)
        const message = `${name} was not published: ${failure.message}`
        const row = await sharedRulesets.find(name)
        if (row) await sharedRulesets.put({ ...row, problem: message })
        await journal.add({ kind: 'publication-refused', message, created: now() })
      })
      return
    }
    const due = now() + Math.round(pauseAfter(attempts + 1, failure) * 1000)
    await this.#store.publications.postpone(id, { due, problem: failure.message })
    this.#log.warn({ ruleset: name, attempts: attempts + 1, reason: failure.message }, 'not published yet')
  }
}
