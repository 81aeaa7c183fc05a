import { EventEmitter } from 'node:events'
import { type Account, may } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { Checker } from '../rulesets/index.ts'
import type { Log, RuleSet, RunnableRuleset, ScanError } from '../scanning/index.ts'
import { type ListedHunt, type Micros, type NewHunt, now, type Store } from '../store/index.ts'
import type { Span } from '../tracing/index.ts'
import type { Diagnostic } from '../yara/index.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type HuntHit, readHits, storeHits } from './hits.ts'
import { advance, type ClaimedHunt, type HuntProgress, type HuntState, hasEnded, progressOf, stop } from './hunt-row.ts'
import { HuntRunner, type OpenHunt, type UntilStored } from './hunt-runner.ts'
import { checkTexts, type HuntText, runnableOf } from './hunt-text.ts'
import { looks } from './news.ts'
import { type Outline, outlineOf } from './outline.ts'
import { packTexts, unpackTexts } from './packed-texts.ts'
import { type ReadingBound, type ReadingBoundParts, withinBound } from './reading-bound.ts'
import { ScanFailures } from './scan-failures.ts'
import type { Selection } from './selection.ts'

/**
 * Ad-hoc hunts: any YARA texts against the stored samples or a part of them, without saving a ruleset.
 *
 *             its turn comes               every sample is decided
 *   queued ─────────────────▶ running ──────────────────────────▶ completed
 *     ▲ │                      │  │ └──────────── a defect ──────▶ failed
 *     │ │     slice used up,   │  │
 *     └─┼───── others wait ────┘  │
 *       └───────── cancel() ──────┴──▶ stopped
 *
 * - Only texts that compile become hunts; the diagnostics of others are in the failure's detail.
 * - How a hunt waits, runs, ends and goes on after a restart is `HuntRunner`'s; turns are fair between users.
 * - Everybody may read every hunt, so that its address can be sent to a colleague; only its owner and administrators
 *   may cancel or remove it.
 */
export class AdHocHunts {
  readonly #parts: AdHocHuntsParts
  readonly #runner: HuntRunner
  /** Emits a hunt's id, as text, whenever there is news of it. */
  readonly #news = new EventEmitter().setMaxListeners(0)
  /** By the id of the hunt. */
  readonly #outlines = new Map<number, Outline>()

  constructor(parts: AdHocHuntsParts) {
    this.#parts = parts
    const { store, sources, log, atOnce } = parts
    this.#runner = new HuntRunner(
      {
        kind: 'ad-hoc',
        open: (hunt, { signal, untilStored }) => this.#open(hunt, signal, untilStored),
        changed: (id) => this.#news.emit(String(id)),
      },
      { store, sources, log, title: 'an ad-hoc hunt', atOnce, sliceMs: 1_000 },
    )
  }

  /** Queues again what an earlier process left unfinished. Returns how many hunts that are. */
  resume(): Promise<number> {
    return this.#runner.resume()
  }

  /**
   * Makes a hunt and queues it, unless the signal is aborted while its texts are checked.
   * Fails with `rules.invalid` when a text does not compile; `detail.diagnostics` then names the text of each problem.
   * Fails with `hunt.reads-too-much` where the bound says so.
   */
  async create(
    account: Account,
    request: HuntRequest,
    signal?: AbortSignal,
  ): Promise<Hunt & { readonly warnings: readonly NamedWarning[] }> {
    const { selection, useIndex, title, partial = false, bound } = request
    const by = { group: `user:${account.id}`, ...(signal && { signal }) }
    const checked = await checkTexts(request.texts, this.#parts.checker, partial, by)
    // While the hunt is stored; the other texts wait for their turn.
    if (checked[0]) this.#parts.beginPlan(runnableOf(checked[0].text))
    const { last, chosen, samples } = await this.#covered(selection)
    const of = { upTo: last, only: chosen, useIndex, signal: signal ?? new AbortController().signal }
    const all = checked.map(({ text }) => text)
    const texts = bound ? await withinBound(all, bound, of, this.#parts, by) : all
    const before = request.repeats === undefined ? null : await this.#parts.store.hunts.findAdHoc(request.repeats)
    const adHoc = {
      title,
      texts: await packTexts(texts),
      selection: JSON.stringify(selection),
      useIndex,
      ...(before && { repeats: before.id }),
    }
    const id = await this.#start(account, adHoc, { last, samples }, outlineOf(texts, selection), request.cause)
    const warnings = checked.flatMap(({ text, diagnostics }) =>
      diagnostics.flatMap((one) => (one.severity === 'warning' ? [{ text: text.name, ...one }] : [])),
    )
    return { ...(await this.get(id)), warnings: warnings.slice(0, MOST_WARNINGS) }
  }

  /**
   * Makes a hunt with the texts and the selection of another one, over what is stored now. Fails with `hunt.not-found`.
   */
  async again(account: Account, id: number): Promise<Hunt> {
    const { title, useIndex } = await this.get(id)
    const row = await this.#parts.store.hunts.textsOf(id)
    if (!row) throw new Failure('hunt.not-found', `There is no ad-hoc hunt ${id}.`)
    const covered = await this.#covered(JSON.parse(row.selection))
    const adHoc = { title, texts: row.texts, selection: row.selection, useIndex, repeats: id }
    return this.get(await this.#start(account, adHoc, covered, await this.#outline(id)))
  }

  /** What a hunt that begins now covers: up to which id, which of them (null: all), and how many. */
  async #covered(selection: Selection): Promise<{ last: number; chosen: Uint32Array | null; samples: number }> {
    const { corpus } = this.#parts.sources
    const last = await corpus.lastId()
    const chosen = await corpus.select(selection, last)
    return { last, chosen, samples: chosen ? chosen.length : await corpus.count(last) }
  }

  async #start(
    account: Account,
    adHoc: NonNullable<NewHunt['adHoc']>,
    { last, samples }: { readonly last: number; readonly samples: number },
    outline: Outline,
    cause?: Span | null,
  ): Promise<number> {
    const startedBy = account.id
    const hunt = { kind: 'ad-hoc', state: 'queued', startedBy, created: now(), samples, lastSampleId: last } as const
    const made = this.#parts.store.transaction('startHunt', async ({ hunts }) => {
      const { repeats, ...rest } = adHoc
      // It may have been removed meanwhile.
      const isThere = repeats !== undefined && (await hunts.findExisting([repeats])).has(repeats)
      return hunts.add({ ...hunt, adHoc: isThere ? adHoc : rest })
    })
    const id = await made.catch((error) => this.#runner.failToMake(error))
    this.#outlines.set(id, outline)
    this.#runner.begin(id, startedBy, cause)
    return id
  }

  /** Gives a hunt another title; null for none. Fails with `hunt.not-found`, `right.missing`. */
  async rename(account: Account, id: number, title: string | null): Promise<Hunt> {
    await this.#demandOwnership(account, id)
    await this.#parts.store.hunts.setTitle(id, title)
    return this.get(id)
  }

  /**
   * What a hunt finds that the one which it repeats had not, and the other way round; null for a hunt that repeats none.
   * Fails with `hunt.not-found`.
   */
  async comparison(id: number): Promise<HuntComparison | null> {
    const { repeats } = await this.get(id)
    if (repeats === null) return null
    const { hits } = this.#parts.store
    return { repeats, added: await hits.countNew(id, repeats), gone: await hits.countNew(repeats, id) }
  }

  /** What a hunt over this part of the corpus would cover now. */
  measure(selection: Selection): Promise<{ samples: number; bytes: number }> {
    return this.#parts.sources.corpus.measure(selection)
  }

  /** What the hunt hunts with. Fails with `hunt.not-found`. */
  async texts(id: number): Promise<readonly HuntText[]> {
    const row = await this.#parts.store.hunts.textsOf(id)
    if (!row) throw new Failure('hunt.not-found', `There is no ad-hoc hunt ${id}.`)
    return unpackTexts(row.texts)
  }

  /** Fails with `hunt.not-found`. */
  async get(id: number): Promise<Hunt> {
    const row = await this.#parts.store.hunts.findAdHoc(id)
    if (!row) throw new Failure('hunt.not-found', `There is no ad-hoc hunt ${id}.`)
    return huntOf(row, await this.#outline(id))
  }

  /** Newest first; those of one account, or all with null. */
  async list(
    account: Account | null,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly count: number; readonly results: readonly Hunt[] }> {
    const { count, hunts } = await this.#parts.store.hunts.listAdHoc(account?.id ?? null, page)
    const results: Hunt[] = []
    for (const row of hunts) results.push(huntOf(row, await this.#outline(row.id)))
    return { count, results }
  }

  /** Fails with `hunt.not-found`, `right.missing`, and with `hunt.wrong-state` when the hunt has ended. */
  async cancel(account: Account, id: number): Promise<Hunt> {
    await this.#demandOwnership(account, id)
    // First the work, so that nothing of it runs any more when the state says that it was stopped.
    await this.#interrupt(id)
    const wasUnderWay = await stop(this.#parts.store, id, account.id)
    if (!wasUnderWay) throw new Failure('hunt.wrong-state', `Hunt ${id} has ended already.`)
    this.#news.emit(String(id))
    return this.get(id)
  }

  /** Ends the hunt if need be and removes it with its results. Fails with `hunt.not-found`, `right.missing`. */
  async remove(account: Account, id: number): Promise<void> {
    await this.#demandOwnership(account, id)
    await this.#parts.store.hunts.delete(id)
    await this.#interrupt(id)
    this.#outlines.delete(id)
  }

  /**
   * Hits in the order in which they were found, with an id above `after`; with `onlyNew` those that the hunt which it
   * repeats had not. Fails with `hunt.not-found`.
   */
  async hits(
    id: number,
    { after, limit, onlyNew = false }: { readonly after: number; readonly limit: number; readonly onlyNew?: boolean },
  ): Promise<HuntHit[]> {
    const { repeats } = await this.get(id)
    return readHits(this.#parts.store, id, after, limit, onlyNew ? (repeats ?? undefined) : undefined)
  }

  /** Every hit, read in portions. Fails with `hunt.not-found`. */
  async *allHits(id: number): AsyncGenerator<HuntHit> {
    let after = 0
    for (;;) {
      const hits = await this.hits(id, { after, limit: PORTION })
      yield* hits
      if (hits.length < PORTION) return
      after = hits.at(-1)?.id ?? after
    }
  }

  /**
   * The hunt as it is now with the hits so far, and again whenever there is news; ends when the hunt has ended, and
   * throws when the signal is aborted. Fails with `hunt.not-found`, also when the hunt is removed meanwhile.
   */
  async *follow(id: number, signal: AbortSignal): AsyncGenerator<{ readonly hunt: Hunt; readonly hits: HuntHit[] }> {
    let after = 0
    for await (const _ of looks(this.#news, String(id), signal)) {
      // Read before the hits: when it says that the hunt has ended, all hits are there.
      const hunt = await this.get(id)
      let hits: HuntHit[]
      do {
        hits = await readHits(this.#parts.store, id, after, PORTION)
        after = hits.at(-1)?.id ?? after
        yield { hunt, hits }
      } while (hits.length === PORTION)
      if (hasEnded(hunt.state)) return
    }
  }

  /** Resolves when this process no longer works on the hunt. */
  settled(id: number): Promise<void> {
    return this.#runner.settled(id)
  }

  /** Ends the work without ending the hunts: they go on at the next `resume`. */
  close(): Promise<void> {
    return this.#runner.close()
  }

  /** Hunts that wait or run. */
  get unfinished(): number {
    return this.#runner.underWay.length
  }

  async #open(claimed: ClaimedHunt, signal: AbortSignal, untilStored: UntilStored): Promise<OpenHunt> {
    const { store, sources, scanLimit } = this.#parts
    const { id } = claimed
    const hunt = await store.hunts.findToRun(id)
    const only = await sources.corpus.select(JSON.parse(hunt.selection ?? '{}'), hunt.lastSampleId)
    const texts = hunt.texts ? await unpackTexts(hunt.texts) : []
    const ruleSet = await this.#ruleSetOf(id, texts, signal)
    const failures = new ScanFailures((key) => ruleSet.rulesets.find((one) => one.key === key)?.name ?? key)
    return {
      question: {
        ruleSet,
        after: hunt.cursor,
        upTo: hunt.lastSampleId,
        only,
        useIndex: hunt.useIndex,
        strings: true,
        scanLimit,
        // All hunts of a user take turns with those of others as one.
        group: `user:${hunt.startedBy}`,
      },
      store: async (checkpoint) => {
        for (const { errors } of checkpoint.errors) failures.note(errors)
        if (!(await untilStored(() => this.#store(claimed, checkpoint, only, ruleSet, failures)))) return false
        for (const { sample, errors } of checkpoint.errors) {
          const ofModules = errors.filter(({ reason }) => reason === 'module')
          if (ofModules.length > 0) await untilStored(() => this.#parts.reportScanErrors(sample, ofModules))
        }
        return true
      },
    }
  }

  async #ruleSetOf(id: number, texts: readonly HuntText[], signal: AbortSignal): Promise<RuleSet> {
    const rulesets: RunnableRuleset[] = []
    // One after the other: somebody else's check or hunt comes between them.
    for (const [n, text] of texts.entries()) {
      const content = runnableOf(text)
      rulesets.push({ key: `h${id}.${n}`, name: text.name, content, plan: await this.#parts.plan(content, signal) })
    }
    return { id: `hunt:${id}`, rulesets }
  }

  /** Stores what a checkpoint found and that it is decided. False when the hunt is not in this hand any more. */
  #store(
    claimed: ClaimedHunt,
    checkpoint: Checkpoint,
    only: Uint32Array | null,
    { rulesets }: RuleSet,
    failures: ScanFailures,
  ): Promise<boolean> {
    const nameOf = (key: string) => rulesets.find((ruleset) => ruleset.key === key)?.name ?? key
    return this.#parts.store.transaction('advanceHunt', (tx) =>
      advance(tx, claimed, checkpoint, only, async () => {
        let found = 0
        for (const { sample, hits } of checkpoint.hits) found += await storeHits(tx, claimed.id, sample, hits, nameOf)
        if (checkpoint.errors.length > 0) await tx.hunts.setFailure(claimed, failures.report)
        return found
      }),
    )
  }

  async #demandOwnership(account: Account, id: number): Promise<void> {
    const hunt = await this.get(id)
    if (hunt.userId === account.id || may(account, 'hunts.change-any')) return
    throw new Failure('right.missing', `Hunt ${id} belongs to ${hunt.user}; that user or an administrator can do this.`)
  }

  #interrupt(id: number): Promise<void> {
    return this.#runner.interrupt(id, new Failure('hunt.wrong-state', 'The hunt was cancelled.'))
  }

  /** Read from the row the first time after a start. */
  async #outline(id: number): Promise<Outline> {
    const known = this.#outlines.get(id)
    if (known) return known
    const row = await this.#parts.store.hunts.textsOf(id)
    const outline = outlineOf(row ? await unpackTexts(row.texts) : [], JSON.parse(row?.selection ?? '{}'))
    if (row) this.#outlines.set(id, outline)
    return outline
  }
}

const PORTION = 500
/** About all texts of a hunt, as they are answered when it is made. */
const MOST_WARNINGS = 1_000

export interface AdHocHuntsParts extends ReadingBoundParts {
  readonly store: Store
  readonly checker: Checker
  /** The stored form of the plan of a text that compiles. */
  readonly plan: (content: string, signal: AbortSignal) => Promise<string>
  /** Begins with that of a text that is asked for soon. */
  readonly beginPlan: (content: string) => void
  /** Notes what was not run on a sample. */
  readonly reportScanErrors: (sampleId: number, errors: readonly ScanError[]) => Promise<void>
  readonly log: Log
  /** How many hunts run at once. */
  readonly atOnce: number
  /** Samples larger than this many bytes are skipped and counted. */
  readonly scanLimit: number
}

/** A warning about one of the texts of a hunt. */
export type NamedWarning = Diagnostic & { readonly text: string }

export interface HuntRequest {
  readonly texts: readonly HuntText[]
  readonly selection: Selection
  /** False scans every sample plainly, for comparison. */
  readonly useIndex: boolean
  readonly title: string | null
  /** Where some rules do not compile, the others hunt. */
  readonly partial?: boolean
  /** Absent: the hunt reads whatever it needs. */
  readonly bound?: ReadingBound
  /** The hunt whose results are compared with; ignored when it is gone. */
  readonly repeats?: number
  /** What asks for it: the hunt becomes part of its trace. */
  readonly cause?: Span | null
}

export interface Hunt extends HuntProgress {
  readonly id: number
  readonly title: string | null
  readonly state: Exclude<HuntState, 'capped'>
  readonly user: string | null
  readonly userId: number
  readonly outline: Outline
  readonly useIndex: boolean
  /** The hunt that it is compared with, while that is there. */
  readonly repeats: number | null
  readonly created: Micros
  readonly started: Micros | null
  readonly stopped: Micros | null
  /** Why it failed, or which text had to be stopped on a sample and may miss matches. */
  readonly failure: string | null
}

export interface HuntComparison {
  readonly repeats: number
  /** Matches that only the later hunt has, and those that only the one before has. */
  readonly added: number
  readonly gone: number
}

function huntOf(row: ListedHunt, outline: Outline): Hunt {
  return {
    id: row.id,
    title: row.title,
    // Only hunts of tenants are capped.
    state: row.state === 'capped' ? 'completed' : row.state,
    user: row.user,
    userId: row.userId,
    outline,
    useIndex: row.useIndex,
    repeats: row.repeats,
    created: row.created,
    started: row.started,
    stopped: row.stopped,
    ...progressOf(row),
    failure: row.failure,
  }
}
