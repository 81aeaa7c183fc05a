import { type Account, demand } from '../accounts/index.ts'
import { KeyedLock } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import type { RunnableRuleset, ScanError } from '../scanning/index.ts'
import {
  now,
  type Repositories,
  type RulesetEntry,
  type RulesetQuery,
  type RulesetState,
  type Store,
  type StoredRuleset,
  type UnitOfWork,
} from '../store/index.ts'
import { ruleText } from '../yara/index.ts'
import { type BulkChange, type BulkOutcome, changeMany } from './bulk.ts'
import { removeRuleset, stateWhenSwitched, switchRuleset } from './changing.ts'
import type { Checker } from './checker.ts'
import { nextGeneration, readGeneration } from './generation.ts'
import { checkName } from './names.ts'
import type { ChangePurpose, RulesetObserver } from './observer.ts'
import type { NewText, Revision, RevisionEntry, SaveOutcome } from './revision.ts'
import { RULESET_NAMES } from './ruleset-name.ts'
import { type LiveSet, type Replanning, type RulesetPlanner, RunnableRulesets } from './runnable-rulesets.ts'
import { saveText } from './saving.ts'
import { recordScanErrors, skippedRulesets } from './scan-errors.ts'
import { checkOwner, demandCurrent, existing } from './stored-ruleset.ts'

/**
 * The rulesets of an installation, and which of them run. By name they are the appliance's own; a tenant's run beside
 * them and are reached through `TenantRulesets`.
 *
 * The set of those that run has a generation, a number that grows in the same transaction as any change to the set:
 * what was matched with the current generation needs no second look.
 */
export class Rulesets {
  readonly #store: Store
  readonly #checker: Checker
  readonly #planner: RulesetPlanner
  readonly #runnable: RunnableRulesets
  readonly #observers: readonly RulesetObserver[]
  readonly #listeners = new Set<(generation: number) => void>()
  /** By name: changes of one ruleset happen one after the other. */
  readonly #locks = new KeyedLock<string>()

  constructor(parts: {
    readonly store: Store
    readonly checker: Checker
    readonly planner: RulesetPlanner
    readonly observers?: readonly RulesetObserver[]
  }) {
    this.#store = parts.store
    this.#checker = parts.checker
    this.#planner = parts.planner
    this.#observers = parts.observers ?? []
    this.#runnable = new RunnableRulesets(parts.store, parts.planner)
  }

  /** Begins to make plans anew that another version has made. To be called once, before anything runs. */
  async beginReplanning(): Promise<Replanning> {
    return this.#runnable.beginReplanning()
  }

  /** Plans that are not made by then are made after the next start. */
  async stop(): Promise<void> {
    await this.#runnable.stop()
  }

  /**
   * Creates a ruleset, enabled, or gives it a new revision. The text is stored whether or not it compiles; matches of
   * rules that are the same as in the last revision that compiled are kept, those of the others are dropped once the
   * new text compiles. The same text again is no new revision. Administrators may save over other users' rulesets,
   * which stay theirs. `enabled` switches it with a new text; left out, that stays as it is.
   * Fails with `parameter.out-of-range` for the name or an empty text, `ruleset.core`, `ruleset.foreign`,
   * `ruleset.changed` when it is to replace another revision than the current one, and `ruleset.busy` while a cloud
   * works on it. All of these are decided in the unit of work that saves it, whoever changes the ruleset meanwhile.
   */
  async save(by: Account, ruleset: NewText & ChangePurpose & { readonly enabled?: boolean }): Promise<SaveOutcome> {
    return this.#save(by, ruleset, false, ruleset)
  }

  /** As `save`, for a core ruleset. `right.missing`; `ruleset.exists` where a user's ruleset has the name. */
  async importCore(by: Account, ruleset: NewText): Promise<SaveOutcome> {
    demand(by, 'rulesets.import-core')
    return this.#save(by, ruleset, true)
  }

  /** The current text. `ruleset.name-invalid`, `ruleset.not-found`. */
  async content(name: string): Promise<string> {
    return this.#textOf(await existing(this.#store, name))
  }

  /** `ruleset.name-invalid`, `ruleset.not-found`. */
  async get(name: string): Promise<RulesetEntry> {
    checkName(name, 'ruleset.name-invalid')
    const entry = await this.#store.rulesets.findEntry(name)
    if (!entry) throw new Failure('ruleset.not-found')
    return entry
  }

  /** By name; `count` is that of all pages. `page.beyond-end` for a page past the last one. */
  async list(by: Account, query: RulesetQuery): Promise<{ count: number; results: RulesetEntry[] }> {
    return this.#store.transaction('listRulesets', ({ rulesets }) => rulesets.list(by.id, query))
  }

  /** Newest first, at most 1,000. */
  async revisions(name: string): Promise<RevisionEntry[]> {
    const { id } = await existing(this.#store, name)
    const { revisions, matches } = this.#store
    const listed = await revisions.list(id, 1_000)
    const byNumber = Map.groupBy(await matches.countByRevision(id), ({ number }) => number)
    return listed.map((revision) => ({
      ...revision,
      matches: Object.fromEntries((byNumber.get(revision.number) ?? []).map(({ rule, count }) => [rule, count])),
    }))
  }

  /** `ruleset.revision-not-found` beside the failures of `content`. */
  async revision(name: string, number: number): Promise<Revision> {
    const { id } = await existing(this.#store, name)
    const revision = await this.#store.revisions.find(id, number)
    if (!revision) throw new Failure('ruleset.revision-not-found')
    return revision
  }

  /**
   * Removes it with its revisions and matches. `ruleset.name-invalid`, `.not-found`, `.core`, `.foreign`, and
   * `ruleset.changed` where another revision than `replaces` is current.
   */
  async remove(by: Account, name: string, purpose: ChangePurpose & { readonly replaces?: number } = {}): Promise<void> {
    await this.#locks.withLock(name, () =>
      this.change(async (tx) => {
        const ruleset = await existing(tx, name)
        const refusal = 'Unauthorized action; ruleset is a Spectra Core ruleset or was created by another user'
        checkOwner(by, ruleset, refusal, refusal)
        demandCurrent({ name, replaces: purpose.replaces }, ruleset.number ?? 0)
        return removeRuleset(tx, this.#observers, name, ruleset, purpose)
      }),
    )
  }

  /**
   * Enables or disables it; that it is so already is fine. Enabling takes back a suspension, and a date of expiry that
   * has come. Returns the state, since one that does not compile can be enabled but does not run.
   * `ruleset.name-invalid`, `.not-found`, `.core`, `.foreign`.
   */
  async setEnabled(by: Account, name: string, enabled: boolean, purpose: ChangePurpose = {}): Promise<RulesetState> {
    return this.#locks.withLock(name, async () => {
      let state: RulesetState = 'valid'
      await this.change(async (tx) => {
        const ruleset = await existing(tx, name, {
          malformed: 'Missing or malformed name parameter',
          missing: 'Ruleset with that name does not exist',
        })
        checkOwner(
          by,
          ruleset,
          'Core ruleset cannot be enabled/disabled',
          'Ruleset cannot be enabled/disabled. It is created by another user.',
        )
        state = stateWhenSwitched(ruleset, enabled)
        return switchRuleset(tx, this.#observers, ruleset, enabled, purpose)
      })
      return state
    })
  }

  /** One change of many, by name; each that cannot be changed is named with the failure that `setEnabled` would have. */
  async changeMany(
    by: Account,
    names: readonly string[],
    change: BulkChange,
    purpose: ChangePurpose = {},
  ): Promise<BulkOutcome> {
    const parts = {
      observers: this.#observers,
      purpose,
      change: (work: (tx: UnitOfWork) => Promise<boolean>) => this.change(work),
      // In the order of their names, so that two never wait for each other.
      whileLocked: <T>(some: readonly string[], work: () => Promise<T>): Promise<T> =>
        some.reduceRight<() => Promise<T>>((inner, name) => () => this.#locks.withLock(name, inner), work)(),
    }
    return changeMany(parts, by, names, change)
  }

  /** Disables those whose date of expiry has come, and returns their names. */
  async disableExpired(): Promise<string[]> {
    const disabled: string[] = []
    for (;;) {
      const [expired] = await this.#store.rulesets.findExpired(now(), 1)
      if (!expired) return disabled
      const { name } = expired
      await this.#locks.withLock(name, () =>
        this.change(async (tx) => {
          const ruleset = await tx.rulesets.findByName(name)
          const isDue = ruleset?.enabled && ruleset.expires !== null && ruleset.expires <= now()
          return isDue ? switchRuleset(tx, this.#observers, ruleset, false, { byItself: 'expiry' }) : false
        }),
      )
      disabled.push(name)
    }
  }

  /**
   * Notes that rulesets could not be run to their end on a sample. Each sample counts once; a ruleset that was stopped
   * on three is suspended.
   */
  async reportScanErrors(sampleId: number, errors: readonly ScanError[]): Promise<void> {
    if (errors.length === 0) return
    const suspended = await this.#store.transaction('recordScanErrors', (tx) => recordScanErrors(tx, sampleId, errors))
    if (suspended) await this.#notifyListeners()
  }

  /** Keys of the rulesets whose current text was stopped on this sample before. */
  async givenUpOn(sampleId: number): Promise<string[]> {
    return skippedRulesets(this.#store, sampleId)
  }

  /** Grows in the same transaction as any change of the set that runs. Give the unit of work within one. */
  async generation(within: Repositories = this.#store): Promise<number> {
    return readGeneration(within)
  }

  /** The rulesets that run, as `live:<generation>`; the same object until the generation changes. */
  async liveSet(): Promise<LiveSet> {
    return this.#runnable.live()
  }

  /** Revisions as workers run them, in this order; those that were removed meanwhile are left out. */
  async runnable(revisionIds: readonly number[]): Promise<RunnableRuleset[]> {
    return this.#runnable.byRevision(revisionIds)
  }

  /** Calls the listener after each committed change of the set that runs; the returned function ends it. */
  onChange(listener: (generation: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #save(
    by: Account,
    text: NewText,
    core: boolean,
    purpose: ChangePurpose & { readonly enabled?: boolean } = {},
  ): Promise<SaveOutcome> {
    const { name } = text
    checkName(name, 'parameter.out-of-range', `Parameter not in expected range: name takes ${RULESET_NAMES}`)
    const content = ruleText(text.content)
    if (content === '')
      throw new Failure('parameter.out-of-range', 'Parameter not in expected range: content is missing')
    const parts = {
      store: this.#store,
      checker: this.#checker,
      planner: this.#planner,
      observers: this.#observers,
      change: (work: (tx: UnitOfWork) => Promise<boolean>) => this.change(work),
    }
    return this.#locks.withLock(name, () => saveText(parts, by, { ...text, content }, { core, purpose }))
  }

  /**
   * Runs a change of rulesets as a unit of work; where it answers that what runs has changed, the generation grows with
   * it, and listeners are called.
   */
  async change(change: (tx: UnitOfWork) => Promise<boolean>): Promise<void> {
    const changed = await this.#store.transaction('changeRules', async (tx) => {
      const changed = await change(tx)
      if (changed) await nextGeneration(tx)
      return changed
    })
    this.#noteCommitted()
    if (changed) await this.#notifyListeners()
  }

  #noteCommitted(): void {
    for (const observer of this.#observers) observer.committed()
  }

  async #notifyListeners(): Promise<void> {
    const generation = await this.generation()
    for (const listener of this.#listeners) listener(generation)
  }

  async #textOf({ revisionId }: StoredRuleset): Promise<string> {
    return (revisionId === null ? null : await this.#store.revisions.contentOf(revisionId)) ?? ''
  }
}
