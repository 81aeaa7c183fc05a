/**
 * Takes what the manager has. For each name:
 *
 *   an entry arrives ─▶ noted with its text ─▶ the same is here already ─▶ taken
 *                                           ├▶ something of ours waits to be published ─▶ the manager decides first
 *                                           ├▶ what is here is what was taken before ─▶ it is replaced ─▶ taken
 *                                           └▶ it was changed here ─▶ OutOfSync: both stay until a person decides
 *
 * With `last-wins` a text that was changed here is replaced too; it stays as a revision. A deletion never takes a text
 * along that was changed here. Each step may be repeated: an entry is noted before it is taken, and that it was taken is
 * recorded in the transaction that takes it.
 */
import type { Accounts } from '../accounts/index.ts'
import { Lock } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import type { EntryJson } from '../manager-protocol/index.ts'
import { type Rulesets, unpackText } from '../rulesets/index.ts'
import { now, type SharedBesideOwn, type Store, type UnitOfWork } from '../store/index.ts'
import type { ManagerLink } from './manager-client.ts'
import { ownStateOf } from './own-state.ts'
import { isBehind, isSame, nothing } from './sync-state.ts'

/** No text has it, so whatever is here counts as changed. */
const NEVER = '-'

export interface ReceiverParts {
  readonly store: Store
  readonly rulesets: Rulesets
  readonly accounts: Accounts
  readonly client: Pick<ManagerLink, 'text'>
  readonly lastWins: boolean
}

export class Receiver {
  readonly #parts: ReceiverParts
  /** One name after the other: a person's decision and the manager's news never meet. */
  readonly #lock = new Lock()

  constructor(parts: ReceiverParts) {
    this.#parts = parts
  }

  /**
   * Notes an entry with its text, and takes it where nothing stands against that. `isRewound`: the manager's past is
   * another one than this appliance knew, so what it has may be older than what is here.
   */
  async receive(entry: EntryJson, signal: AbortSignal, { isRewound = false } = {}): Promise<void> {
    const { store, client } = this.#parts
    const { digest, change } = entry
    const isKnown = digest === null || (await store.sharedTexts.has(digest))
    const packed = isKnown ? null : await client.text(digest, signal)
    await store.transaction('recordShared', async (tx) => {
      const row = await tx.sharedRulesets.find(entry.name)
      if (row && row.sequence >= entry.sequence && !isRewound) return
      if (digest !== null && packed !== null) await tx.sharedTexts.add(digest, packed)
      const before = isRewound && row ? { taken: 0, takenState: { digest: NEVER, enabled: false } } : row
      await noteEntry(tx, entry, before ?? { taken: 0, takenState: nothing })
      // Ours, accepted, and the answer was lost.
      const ours = await tx.publications.findByChange(change)
      if (ours) await recordAccepted(tx, entry, ours.id)
    })
    await this.settle(entry.name)
  }

  /** The manager's snapshot has nothing under a name that was shared. */
  async receiveAbsence(
    name: string,
    { sequence, isRewound }: { readonly sequence: number; readonly isRewound: boolean },
  ): Promise<void> {
    await this.#parts.store.transaction('recordShared', async ({ sharedRulesets }) => {
      const row = await sharedRulesets.find(name)
      if (!row) return
      const takenState = isRewound ? { digest: NEVER, enabled: false } : row.takenState
      await sharedRulesets.put({
        ...row,
        ...nothing,
        sequence: Math.max(1, sequence),
        taken: 0,
        takenState,
        problem: null,
      })
    })
    await this.settle(name)
  }

  /** Takes what the manager has under a name where nothing stands against that. */
  async settle(name: string): Promise<void> {
    await this.#lock.withLock(async () => {
      const { store, lastWins } = this.#parts
      const shared = await store.sharedRulesets.findBesideOwn(name)
      if (!shared || !isBehind(shared) || shared.waiting > 0) return
      const own = await ownStateOf(store, shared)
      if (isSame(own, shared)) return this.#recordTaken(shared)
      const isUntouched = isSame(own, shared.takenState)
      if (isUntouched || (lastWins && shared.digest !== null)) return this.#take(shared)
      await this.#noteConflict(shared)
    })
  }

  /** What is here gives way, whatever it is: a person wants that. `shared.changed`, `shared.not-found`. */
  async takeShared(name: string, sequence: number): Promise<void> {
    await this.#lock.withLock(async () => {
      const shared = await this.#parts.store.sharedRulesets.findBesideOwn(name)
      if (!shared) throw new Failure('shared.not-found')
      if (shared.sequence !== sequence) throw new Failure('shared.changed')
      const own = await ownStateOf(this.#parts.store, shared)
      if (isSame(own, shared)) return this.#recordTaken(shared)
      await this.#apply(shared)
    })
  }

  async #take(shared: SharedBesideOwn): Promise<void> {
    try {
      await this.#apply(shared)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      // It was changed this moment: the next look decides.
      const problem = error.code === 'ruleset.changed' ? null : error.message
      await this.#parts.store.transaction('recordShared', async ({ sharedRulesets }) => {
        const row = await sharedRulesets.find(shared.name)
        if (row?.sequence === shared.sequence) await sharedRulesets.put({ ...row, problem })
      })
    }
  }

  async #apply({ name, sequence, digest, enabled, own }: SharedBesideOwn): Promise<void> {
    const { store, rulesets, accounts } = this.#parts
    const by = await accounts.users.operator()
    if (own?.core) throw new Failure('ruleset.core', `A core ruleset of this appliance is called ${name}.`)
    const current = (await store.rulesets.findByName(name))?.number ?? 0
    if (digest === null) {
      return rulesets.remove(by, name, { takes: sequence, replaces: current })
    }
    if (own !== null && own.digest === digest) {
      await rulesets.setEnabled(by, name, enabled, { takes: sequence })
      return
    }
    const packed = await store.sharedTexts.find(digest)
    if (packed === null) throw new Failure('shared.not-found', `The text of ${name} is not here yet.`)
    const content = await unpackText(packed)
    await rulesets.save(by, { name, content, enabled, partial: true, replaces: current, takes: sequence })
    // The same text as a moment ago: saving changed nothing, so the switch is all that is left.
    const saved = await store.sharedRulesets.findBesideOwn(name)
    if (saved?.own && saved.own.enabled !== enabled) await rulesets.setEnabled(by, name, enabled, { takes: sequence })
  }

  async #recordTaken({ name, sequence }: SharedBesideOwn): Promise<void> {
    await this.#parts.store.transaction('recordShared', async ({ sharedRulesets }) => {
      const row = await sharedRulesets.find(name)
      if (row?.sequence !== sequence) return
      const { digest, enabled } = row
      await sharedRulesets.put({ ...row, taken: sequence, takenState: { digest, enabled }, problem: null })
    })
  }

  /** Once for each change of the manager. */
  async #noteConflict({ name, sequence, appliance, author }: SharedBesideOwn): Promise<void> {
    const message = `${name} was changed here and by ${author} on ${appliance} (change ${sequence}): both texts stay until somebody decides.`
    const { journal } = this.#parts.store
    if ((await journal.latestMessage('ruleset-out-of-sync')) === message) return
    await journal.add({ kind: 'ruleset-out-of-sync', message, created: now() })
  }
}

/** What the manager has under the name from now on. */
export async function noteEntry(
  { sharedRulesets }: UnitOfWork,
  { name, sequence, version, digest, enabled, author, appliance, time }: EntryJson,
  { taken, takenState }: Pick<SharedBesideOwn, 'taken' | 'takenState'>,
): Promise<void> {
  const entry = { name, sequence, version, digest, enabled, author, appliance, time }
  await sharedRulesets.put({ ...entry, taken, takenState, problem: null })
}

/** The manager has accepted a publication as this entry. */
export async function recordAccepted(tx: UnitOfWork, entry: EntryJson, publicationId: number): Promise<void> {
  await tx.publications.delete(publicationId)
  const row = await tx.sharedRulesets.find(entry.name)
  const taken = entry.sequence
  const takenState = { digest: entry.digest, enabled: entry.enabled }
  if (!row || row.sequence <= entry.sequence) await noteEntry(tx, entry, { taken, takenState })
  else if (row.taken < taken) await tx.sharedRulesets.put({ ...row, taken, takenState })
}
