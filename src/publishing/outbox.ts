/**
 * Records what has to reach the manager, in the transaction of the change that was to be published: a kill in between
 * cannot leave one without the other. What was never sent is replaced by what is published later under the same name;
 * what was sent may have been accepted, and is asked for again until the manager has answered.
 */
import { randomUUID } from 'node:crypto'
import type { Account } from '../accounts/index.ts'
import {
  type ChangePurpose,
  packText,
  type RulesetBefore,
  type RulesetObserver,
  textDigest,
} from '../rulesets/index.ts'
import { now, type RulesetText, type SharedState, type UnitOfWork } from '../store/index.ts'
import { isSame, nothing } from './sync-state.ts'

type OwnText = Pick<RulesetText, 'content' | 'digest'>

const happened = {
  expiry: 'has expired and was disabled',
  source: 'follows its rule source',
} as const

export interface OutboxParts {
  /** Called when something was noted and committed. */
  readonly wake: () => void
  /** Whether this appliance publishes anything at all. */
  readonly hasManager: () => boolean
  readonly mayPublish: (by: Account) => boolean
}

export class PublicationOutbox implements RulesetObserver {
  readonly #parts: OutboxParts
  /** Something was noted by a unit that may not be committed yet, or that was taken back. */
  #isNoted = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  async recordChange(
    tx: UnitOfWork,
    rulesetId: number,
    purpose: ChangePurpose,
    before: RulesetBefore = null,
  ): Promise<void> {
    const { publishAs, takes, byItself } = purpose
    if (takes === undefined && publishAs === undefined && byItself === undefined) return
    const text = await tx.rulesets.findText(rulesetId)
    const { name, enabled, state } = text
    if (byItself !== undefined) {
      if (state === 'invalid') return
      return this.#recordByItself(tx, name, { text, enabled }, before, byItself)
    }
    if (takes !== undefined) {
      return this.recordTaken(tx, name, takes, { digest: digestOf(text), enabled })
    }
    // What does not compile here is nothing that others should run.
    if (publishAs === undefined || state === 'invalid') return
    await this.publish(tx, name, { text, enabled, author: publishAs })
  }

  async recordRemoval(
    tx: UnitOfWork,
    { name }: { readonly name: string },
    { publishAs, takes, byItself }: ChangePurpose,
    before: RulesetBefore = null,
  ): Promise<void> {
    if (byItself !== undefined) return this.#recordByItself(tx, name, { text: null, enabled: false }, before, byItself)
    if (takes !== undefined) return this.recordTaken(tx, name, takes, nothing)
    if (publishAs !== undefined) await this.publish(tx, name, { text: null, enabled: false, author: publishAs })
  }

  committed(): void {
    if (!this.#isNoted) return
    this.#isNoted = false
    this.#parts.wake()
  }

  /**
   * A ruleset that was as the others have it changes everywhere, if its owner may publish. One that was not stays as it
   * is for the others: what this appliance has of its own goes to nobody unless a person says so.
   */
  async #recordByItself(
    tx: UnitOfWork,
    name: string,
    after: { readonly text: OwnText | null; readonly enabled: boolean },
    before: RulesetBefore,
    cause: 'expiry' | 'source',
  ): Promise<void> {
    if (!this.#parts.hasManager()) return
    const shared = (await tx.publications.last(name)) ?? (await tx.sharedRulesets.find(name))
    if (shared === null || shared.digest === null || !isSame(await stateOf(tx, before), shared)) return
    const entry = await tx.rulesets.findEntry(name)
    const owner = entry && (await tx.users.findByName(entry.owner))
    if (owner && !owner.disabled && this.#parts.mayPublish(owner)) {
      return this.publish(tx, name, { ...after, author: owner.name })
    }
    const message = `${name} ${happened[cause]} on this appliance alone: its owner may not publish.`
    await tx.journal.add({ kind: `${cause}-not-published`, message, created: now() })
  }

  /** What the manager had at this sequence is what is here now; it may have something newer by now. */
  async recordTaken({ sharedRulesets }: UnitOfWork, name: string, sequence: number, here: SharedState): Promise<void> {
    const row = await sharedRulesets.find(name)
    if (row === null || row.sequence < sequence) return
    const problem = row.sequence === sequence ? null : row.problem
    await sharedRulesets.put({ ...row, taken: sequence, takenState: here, problem })
    this.#isNoted = true
  }

  /** Does nothing where the manager has the same already; null for a ruleset that was deleted. */
  async publish(
    tx: UnitOfWork,
    name: string,
    { text, enabled, author }: { readonly text: OwnText | null; readonly enabled: boolean; readonly author: string },
  ): Promise<void> {
    const { sharedRulesets, sharedTexts, publications } = tx
    await publications.deleteUnsent(name)
    const digest = text && digestOf(text)
    const state: SharedState = { digest, enabled: enabled && digest !== null }
    const isUnderWay = (await publications.first(name)) !== null
    const row = await sharedRulesets.find(name)
    const isThere = row === null || (row.taken === row.sequence && row.problem === null)
    if (!isUnderWay && isThere && isSame(row ?? nothing, state)) return
    if (text !== null && digest !== null && !(await sharedTexts.has(digest))) {
      await sharedTexts.add(digest, (await packText(text.content)).packed)
    }
    await publications.add({ name, change: randomUUID(), ...state, author, created: now() })
    // So that it is among the shared ones from now on.
    if (row !== null && row.problem !== null) await sharedRulesets.put({ ...row, problem: null })
    if (row === null) {
      const unknown = { sequence: 0, version: 0, author: '', appliance: '', time: 0, taken: 0, problem: null }
      await sharedRulesets.put({ name, ...nothing, ...unknown, takenState: nothing })
    }
    this.#isNoted = true
  }
}

async function stateOf({ revisions }: UnitOfWork, before: RulesetBefore): Promise<SharedState> {
  if (before === null || before.revisionId === null) return nothing
  const { digest, revisionId, enabled } = before
  const content = digest === null ? ((await revisions.contentOf(revisionId)) ?? '') : ''
  return { digest: digestOf({ digest, content }), enabled }
}

function digestOf({ digest, content }: OwnText): string {
  return Buffer.from(digest ?? textDigest(content)).toString('hex')
}
