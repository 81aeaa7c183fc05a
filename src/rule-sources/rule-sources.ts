/**
 * Repositories and archives that rulesets are fetched from: adding them, looking at what they would bring, and keeping
 * rulesets at what they have.
 *
 *     added ──▶ (preview) ──▶ wanted ──▶ fetched ──▶ synchronized ──▶ due again, where it keeps itself up to date
 *                                │           │
 *                                │           └─ failed: due again after a pause that grows
 *                                └─ kept in its row, so that a restart goes on with it
 *
 * What reads what was fetched runs in processes of its own (`fetching/`); rulesets are saved as a user would save them.
 */

import { LRUCache } from 'lru-cache'
import { type Account, may } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { NetworkRules } from '../network/index.ts'
import type { Checker, Rulesets } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import {
  now,
  type RulesetOfSource,
  type Scratch,
  type SourceUpdates,
  type Store,
  type StoredRuleSource,
  type StoredSourceFile,
} from '../store/index.ts'
import { Fetcher } from './fetcher.ts'
import type { Fetched } from './fetching/fetching-process.ts'
import type { FetchLimits } from './fetching/order.ts'
import { type Explain, type Preview, previewSteps } from './preview.ts'
import { Schedule } from './schedule.ts'
import { checkedAddress, checkedBranch, checkedName, checkedToken, kindOf, nameFor } from './source-address.ts'
import { type Activity, SourceTurns } from './source-turns.ts'
import { stepsOf } from './steps.ts'
import { Synchronization, type SyncOutcome } from './synchronization.ts'

/** How a source is described by whoever adds or changes it. */
export interface SourceSpec {
  readonly url: string
  /** Made from the address where it is empty. */
  readonly name: string
  readonly branch: string
  readonly token: string
  readonly updates: SourceUpdates
  /** Left out: they are disabled; for a change, that stays as it is. */
  readonly deletes?: boolean
}

/** A run that has ended; numbers grow, also over restarts. */
export interface EndedRun {
  readonly run: number
  /** Why it failed; null when it did not. */
  readonly problem: string | null
  readonly outcome: SyncOutcome | null
}

export interface SourceState {
  readonly source: Omit<StoredRuleSource, 'token'> & { readonly hasToken: boolean }
  readonly activity: Activity | null
  readonly lastRun: EndedRun | null
}

export interface SourceFile extends StoredSourceFile {
  readonly ruleset: RulesetOfSource | null
}

const PREVIEWS_KEPT = 20
const MOST_SOURCES = 1_000

export class RuleSources {
  readonly #store: Store
  readonly #rulesets: Rulesets
  readonly #checker: Checker
  readonly #explain: Explain
  readonly #fetcher: Fetcher
  readonly #log: Log
  readonly #turns = new SourceTurns()
  readonly #stopping = new AbortController()
  readonly #previews = new LRUCache<
    number,
    { readonly run: number; readonly problem: string | null; readonly preview: Preview | null }
  >({
    max: PREVIEWS_KEPT,
  })
  /** By source, the number of the latest run that somebody asked for. */
  readonly #requested = new Map<number, number>()
  readonly #lastRuns = new Map<number, EndedRun>()
  readonly schedule: Schedule

  constructor(parts: {
    readonly store: Store
    readonly rulesets: Rulesets
    readonly checker: Checker
    readonly explain: Explain
    readonly scratch: Scratch
    readonly rules: NetworkRules
    readonly limits: FetchLimits
    /** How often sources are fetched by themselves where nobody has said otherwise, in seconds. */
    readonly intervalSeconds: number
    readonly log: Log
  }) {
    this.#store = parts.store
    this.#rulesets = parts.rulesets
    this.#checker = parts.checker
    this.#explain = parts.explain
    this.#fetcher = new Fetcher(parts.scratch, parts.rules, parts.limits)
    this.#log = parts.log
    this.schedule = new Schedule(parts.store, parts.intervalSeconds, (id) => this.#synchronizeDue(id), parts.log)
  }

  /** Fetches what is due from now on. A command that works on a data folder does not call it. */
  start(): void {
    this.schedule.start()
  }

  /** What is under way is given up; it is begun anew after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([this.#turns.stop(), this.schedule.stop()])
  }

  /** By id. */
  async list(): Promise<SourceState[]> {
    return (await this.#store.ruleSources.list()).map((source) => this.#stateOf(source))
  }

  /** `source.not-found`. */
  async get(id: number): Promise<SourceState> {
    return this.#stateOf(await this.#existing(id))
  }

  /** By name; `source.not-found`. */
  async find(name: string): Promise<SourceState> {
    const source = await this.#store.ruleSources.findByName(name)
    if (source === null) throw new Failure('source.not-found', `There is no rule source ${name}.`)
    return this.#stateOf(source)
  }

  /** Its rule files as of the last synchronization, by path, with what they became. `source.not-found`. */
  async files(id: number): Promise<SourceFile[]> {
    await this.#existing(id)
    const [files, rulesets] = await Promise.all([
      this.#store.ruleSources.files(id),
      this.#store.ruleSources.rulesetsOf(id),
    ])
    const byPath = new Map(rulesets.map((ruleset) => [ruleset.path, ruleset]))
    return files.map((file) => ({ ...file, ruleset: byPath.get(file.path) ?? null }))
  }

  /**
   * Adds a source, once it is known that it can be reached. One that imports by itself is then fetched at once.
   * `source.invalid`, `source.exists`, and what may go wrong with its server: `source.refused`, `.unreachable`,
   * `.credentials`, `.git-missing`, `.failed`.
   */
  async add(by: Account, spec: SourceSpec): Promise<SourceState> {
    const checked = this.#checked(spec)
    const { ruleSources } = this.#store
    if (await ruleSources.findByName(checked.name)) throw new Failure('source.exists')
    if ((await ruleSources.list()).length >= MOST_SOURCES) {
      throw new Failure('source.exists', `There are ${MOST_SOURCES} rule sources already; remove one first.`)
    }
    await this.#fetcher.look(checked, this.#stopping.signal)
    const created = now()
    const isAtOnce = checked.updates === 'all'
    const due = isAtOnce ? created : await this.schedule.nextDue(checked.updates, created)
    const id = await this.#store.transaction('addRuleSource', async (tx) => {
      if (await tx.ruleSources.findByName(checked.name)) throw new Failure('source.exists')
      const { id: ownerId } = by
      return tx.ruleSources.add({ ...checked, ownerId, created, due, wanted: isAtOnce ? 'import' : null })
    })
    this.schedule.wake()
    return this.get(id)
  }

  /** Everything of it is set anew, after the same checks. `token` null: that stays. Also `source.foreign`. */
  async change(
    by: Account,
    id: number,
    spec: Omit<SourceSpec, 'token'> & { readonly token: string | null },
  ): Promise<SourceState> {
    const source = await this.#owned(by, id)
    const checked = this.#checked({
      ...spec,
      token: spec.token ?? source.token,
      deletes: spec.deletes ?? source.deletes,
    })
    const isElsewhere = checked.url !== source.url
    if (isElsewhere && spec.token === null && source.token !== '') {
      throw new Failure('source.invalid', 'The token was given for the other address; give it again, or an empty one.')
    }
    await this.#fetcher.look(checked, this.#stopping.signal)
    await this.#turns.interrupt(id)
    const time = now()
    const isAtOnce = checked.updates === 'all'
    const due = isAtOnce ? time : await this.schedule.nextDue(checked.updates, time)
    await this.#store.transaction('changeRuleSource', async ({ ruleSources }) => {
      const other = await ruleSources.findByName(checked.name)
      if (other !== null && other.id !== id) throw new Failure('source.exists')
      const wanted = isAtOnce ? ('import' as const) : null
      await ruleSources.change(id, {
        ...checked,
        modified: time,
        version: null,
        failures: 0,
        problem: null,
        wanted,
        due,
      })
    })
    this.schedule.wake()
    return this.get(id)
  }

  /**
   * Removes a source. Its rulesets stay as they are, and are nobody's but their owner's; with `removeRulesets` they go,
   * but for what was edited here. `source.not-found`, `source.foreign`.
   */
  async remove(by: Account, id: number, removeRulesets: boolean): Promise<void> {
    const source = await this.#owned(by, id)
    await this.#turns.interrupt(id)
    // Nothing is fetched any more, whatever happens in between.
    await this.#store.ruleSources.change(id, { due: null, wanted: null, updates: 'none' })
    if (removeRulesets) {
      for (const { name, isCurrent } of await this.#store.ruleSources.rulesetsOf(id)) {
        if (isCurrent) await this.#rulesets.remove(source.owner, name)
      }
    }
    await this.#store.ruleSources.delete(id)
    this.#previews.delete(id)
    this.#lastRuns.delete(id)
    this.#requested.delete(id)
  }

  /** Looks at what a synchronization would bring, in the background; gives the number of the run. */
  async startPreview(by: Account, id: number): Promise<number> {
    await this.#owned(by, id)
    const run = now()
    void this.#alone(id, 'preview', (source, signal) => this.#preview(source, signal)).then(
      (preview) => this.#previews.set(id, { run, problem: null, preview }),
      (error: unknown) => {
        if (!(error instanceof Failure)) this.#log.error({ err: error }, 'a rule source could not be previewed')
        const problem = error instanceof Failure ? error.message : 'The preview was stopped.'
        this.#previews.set(id, { run, problem, preview: null })
      },
    )
    return run
  }

  /** The latest preview; null where there is none. `source.not-found`. */
  async latestPreview(id: number) {
    await this.#existing(id)
    return this.#previews.get(id) ?? null
  }

  /** Looks at it and waits for the end. */
  async preview(by: Account, id: number): Promise<Preview> {
    await this.#owned(by, id)
    return this.#alone(id, 'preview', (source, signal) => this.#preview(source, signal))
  }

  /**
   * Asks for a synchronization with all files, in the background; gives the number of the run. With `overwrite`, also
   * what was edited or deleted here becomes what the source has. `source.not-found`, `source.foreign`.
   */
  async requestSynchronization(by: Account, id: number, overwrite: boolean): Promise<number> {
    const run = now()
    await this.#want(by, id, overwrite)
    this.#requested.set(id, run)
    this.schedule.wake()
    return run
  }

  /** The same, and waits for the end. Also `source.failed`, with what went wrong. */
  async synchronize(by: Account, id: number, overwrite: boolean): Promise<SyncOutcome> {
    await this.#want(by, id, overwrite)
    const ended = await this.#synchronizeDue(id)
    if (ended === null && !this.#stopping.signal.aborted) await this.#existing(id)
    if (!ended?.outcome) throw new Failure('source.failed', ended?.problem ?? 'It was stopped.')
    return ended.outcome
  }

  /** Lets all sources that keep themselves up to date be fetched now. */
  async runUpdates(): Promise<void> {
    await this.#store.ruleSources.reschedule(now(), { failed: true })
    this.schedule.wake()
  }

  async #want(by: Account, id: number, overwrite: boolean): Promise<void> {
    const source = await this.#owned(by, id)
    const wanted = overwrite || source.wanted === 'overwrite' ? 'overwrite' : 'import'
    await this.#store.ruleSources.change(id, { wanted, due: now() })
  }

  /**
   * Fetches one and brings its rulesets up to date; a failure is recorded, and it is due again. Null where the run was
   * stopped with everything else, or its source is gone.
   */
  async #synchronizeDue(id: number): Promise<EndedRun | null> {
    const ended = await this.#run(id)
    if (ended !== null) this.#lastRuns.set(id, ended)
    return ended
  }

  async #run(id: number): Promise<EndedRun | null> {
    const run = now()
    let begun: StoredRuleSource | null = null
    try {
      const { outcome, isComplete } = await this.#alone(id, 'synchronization', (source, signal) => {
        begun = source
        return this.#synchronize(source, signal)
      })
      const problem = isComplete ? null : `Not all could be done: ${outcome.problems[0] ?? 'it is tried again'}`
      await this.#record(id, { begun, run }, problem, outcome.version)
      return { run, problem: null, outcome }
    } catch (error) {
      if (this.#stopping.signal.aborted || (error instanceof Failure && error.code === 'source.not-found')) return null
      if (!(error instanceof Failure) && (error as Error).name !== 'AbortError') {
        this.#log.error({ err: error }, 'a rule source could not be synchronized')
      }
      const problem = error instanceof Failure ? error.message : 'It was stopped by a defect; the log says more.'
      const ended = { run, problem, outcome: null }
      // Interrupted by a change or a removal, which says what comes next.
      if ((error as Error).name === 'AbortError') return ended
      this.#log.warn({ source: id, problem }, 'a rule source could not be synchronized')
      await this.#record(id, { begun, run }, problem, null)
      return ended
    }
  }

  async #record(
    id: number,
    { begun, run }: { readonly begun: StoredRuleSource | null; readonly run: number },
    problem: string | null,
    version: string | null,
  ): Promise<void> {
    const time = now()
    // Looked up before, since it is asked of the store itself.
    const whenUpdating = await this.schedule.nextDue('known', time)
    await this.#store.transaction('changeRuleSource', async ({ ruleSources, journal }) => {
      const source = await ruleSources.find(id)
      if (source === null) return
      if (problem !== null) {
        const failures = source.failures + 1
        if (failures === 1) {
          const message = `The rules of ${source.name} (${source.url}) could not be fetched: ${problem}`
          await journal.add({ kind: 'rule-source-failed', message, created: time })
        }
        await ruleSources.change(id, { failures, problem, version: null, due: this.schedule.retryAt(failures, time) })
        return
      }
      // Somebody may have asked for more meanwhile.
      const isAll = source.wanted === (begun?.wanted ?? null) && (this.#requested.get(id) ?? 0) <= run
      const whenDone = source.updates === 'none' ? null : whenUpdating
      const due = isAll ? whenDone : time
      const wanted = isAll ? null : source.wanted
      await ruleSources.change(id, { version, synced: time, failures: 0, problem: null, wanted, due })
    })
  }

  async #synchronize(source: StoredRuleSource, signal: AbortSignal) {
    const { id } = source
    // Whoever asks gets all files looked at once more.
    const known = source.wanted === null ? source.version : null
    return this.#fetcher.fetch(source, known, signal, async (fetched) => {
      if (fetched.state !== 'fetched') {
        const nothing = { created: 0, updated: 0, removed: 0, unchanged: 0, offered: 0, detached: 0, problems: [] }
        return { outcome: { version: fetched.version, ...nothing }, isComplete: true }
      }
      const wanted = {
        create: source.updates === 'all' || source.wanted !== null,
        overwrite: source.wanted === 'overwrite',
      }
      const steps = await this.#stepsFor(source, fetched, wanted)
      const hadFiles = steps.some(({ kind }) => kind === 'disable' || kind === 'delete')
      if (fetched.texts.length === 0 && hadFiles) {
        throw new Failure('source.failed', 'There is no YARA file in it any more; nothing was changed.')
      }
      const parts = { store: this.#store, rulesets: this.#rulesets, checker: this.#checker, source }
      const synchronization = new Synchronization({ ...parts, version: fetched.version })
      return synchronization.run(steps, fetched.unreadable, signal, (done, total) =>
        this.#turns.show(id, { kind: 'synchronization', phase: 'saving', done, total }),
      )
    })
  }

  async #preview(source: StoredRuleSource, signal: AbortSignal): Promise<Preview> {
    return this.#fetcher.fetch(source, null, signal, async (fetched) => {
      if (fetched.state !== 'fetched') throw new Error('A source without a known version is fetched.')
      const steps = await this.#stepsFor(source, fetched, { create: true, overwrite: false })
      const parts = { checker: this.#checker, explain: this.#explain }
      const { files, corpus } = await previewSteps(steps, parts, signal, (done, total) =>
        this.#turns.show(source.id, { kind: 'preview', phase: 'checking', done, total }),
      )
      return { version: fetched.version, corpus, files, unreadable: fetched.unreadable }
    })
  }

  async #stepsFor(
    source: StoredRuleSource,
    { texts, unreadable }: Extract<Fetched, { state: 'fetched' }>,
    wanted: { readonly create: boolean; readonly overwrite: boolean },
  ) {
    const { ruleSources } = this.#store
    const known = {
      sourceName: source.name,
      deletes: source.deletes,
      files: await ruleSources.files(source.id),
      rulesets: await ruleSources.rulesetsOf(source.id),
      names: new Set(await ruleSources.rulesetNames()),
    }
    return stepsOf(texts, new Set(unreadable.map(({ path }) => path)), known, wanted)
  }

  /** Looks the source up when its turn has come. */
  #alone<T>(
    id: number,
    kind: Activity['kind'],
    work: (source: StoredRuleSource, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#turns.run(id, kind, async (signal) => work(await this.#existing(id), signal))
  }

  #checked({ url, name, branch, token, updates, deletes = false }: SourceSpec) {
    const address = checkedAddress(url, this.#fetcher.rules)
    return {
      name: checkedName(name.trim() === '' ? nameFor(address) : name),
      kind: kindOf(address),
      url: address,
      branch: checkedBranch(branch),
      token: checkedToken(token),
      updates,
      deletes,
    }
  }

  async #existing(id: number): Promise<StoredRuleSource> {
    const source = await this.#store.ruleSources.find(id)
    if (source === null) throw new Failure('source.not-found')
    return source
  }

  /** One that the account may work with. */
  async #owned(by: Account, id: number): Promise<StoredRuleSource> {
    const source = await this.#existing(id)
    if (source.owner.id !== by.id && !may(by, 'rulesets.change-any')) throw new Failure('source.foreign')
    return source
  }

  #stateOf({ token, ...source }: StoredRuleSource): SourceState {
    return {
      source: { ...source, hasToken: token !== '' },
      activity: this.#turns.activityOf(source.id),
      lastRun: this.#lastRuns.get(source.id) ?? null,
    }
  }
}
