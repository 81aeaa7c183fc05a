/**
 * Files that a user sends to become rulesets: read and checked first, which shows what would come of each, and then saved.
 *
 *     sent ──▶ reading ──▶ checking ──▶ ready ──▶ saving ──▶ done
 *                 └───────────┴── failed
 *
 * What was sent is read in a process of its own (`fetching/`), texts are compiled by workers. It lives in memory and
 * scratch alone: nothing of it outlasts the server, an hour without anybody who asks for it, or the user's next import.
 */
import { readFile } from 'node:fs/promises'
import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { type Checker, checkOwner, type Rulesets, rulesetNamesOf } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type Scratch, type Store } from '../store/index.ts'
import { type Fetched, runFetch } from './fetching/fetching-process.ts'
import type { FetchedText, FetchLimits, GivenFile, Unreadable } from './fetching/order.ts'
import { type Explain, type PreviewedFile, previewSteps, type Share } from './preview.ts'
import type { StepKind } from './steps.ts'

export interface ImportedFile extends Omit<PreviewedFile, 'step'> {
  /** `refused`: the ruleset of that name is not the user's to change. */
  readonly step: 'create' | 'update' | 'keep' | 'refused'
}

export interface ImportOutcome {
  readonly created: number
  readonly updated: number
  /** What could not be saved, and why; the first ones. */
  readonly problems: readonly string[]
}

export interface ImportState {
  readonly phase: 'reading' | 'checking' | 'ready' | 'saving' | 'done' | 'failed'
  /** Files of the phase. */
  readonly done: number
  readonly total: number
  readonly problem: string | null
  readonly files: readonly ImportedFile[]
  readonly unreadable: readonly Unreadable[]
  readonly corpus: Share | null
  readonly outcome: ImportOutcome | null
}

interface RunningImport {
  readonly id: number
  readonly by: Account
  readonly stopping: AbortController
  readonly folders: readonly string[]
  state: ImportState
  /** By path; the revision that the preview was made with, 0 for none. */
  texts: Map<string, { readonly text: FetchedText; readonly replaces: number }>
  work: Promise<void>
  timer: NodeJS.Timeout | null
}

const KEPT_MS = 3_600_000
const MOST_PROBLEMS = 100
const started: ImportState = {
  ...{ phase: 'reading', done: 0, total: 0, problem: null, files: [], unreadable: [], corpus: null, outcome: null },
}

export class RuleImports {
  readonly #store: Store
  readonly #rulesets: Rulesets
  readonly #checker: Checker
  readonly #explain: Explain
  readonly #scratch: Scratch
  readonly #limits: FetchLimits
  readonly #log: Log
  /** By user. */
  readonly #imports = new Map<number, RunningImport>()
  #lastId = 0

  constructor(parts: {
    readonly store: Store
    readonly rulesets: Rulesets
    readonly checker: Checker
    readonly explain: Explain
    readonly scratch: Scratch
    readonly limits: FetchLimits
    readonly log: Log
  }) {
    this.#store = parts.store
    this.#rulesets = parts.rulesets
    this.#checker = parts.checker
    this.#explain = parts.explain
    this.#scratch = parts.scratch
    this.#limits = parts.limits
    this.#log = parts.log
  }

  /** What may be sent together. */
  get limits(): FetchLimits {
    return this.#limits
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#imports.values()].map((each) => this.#end(each)))
  }

  /**
   * Takes files, which `receive` writes to new paths below a folder that it is given, and looks at them in the background.
   * An earlier import of the user ends. `import.busy` while that one is being saved.
   */
  async begin(by: Account, receive: (folder: string) => Promise<readonly GivenFile[]>): Promise<number> {
    const earlier = this.#imports.get(by.id)
    if (earlier?.state.phase === 'saving') throw new Failure('import.busy')
    const received = this.#scratch.fresh()
    const folder = this.#scratch.fresh()
    try {
      const files = await receive(received)
      const before = this.#imports.get(by.id)
      if (before?.state.phase === 'saving') throw new Failure('import.busy')
      if (before) await this.#end(before)
      const id = Math.max(this.#lastId + 1, now())
      this.#lastId = id
      const stopping = new AbortController()
      const begun: RunningImport = {
        ...{ id, by, stopping, folders: [received, folder], state: started, texts: new Map(), timer: null },
        work: Promise.resolve(),
      }
      this.#imports.set(by.id, begun)
      this.#keep(begun)
      begun.work = this.#guarded(begun, () => this.#look(begun, files, folder))
      return id
    } catch (error) {
      await this.#scratch.discard(received)
      throw error
    }
  }

  /** `import.not-found`, also for another user's. */
  get(by: Account, id: number): ImportState {
    const found = this.#existing(by, id)
    this.#keep(found)
    return found.state
  }

  /**
   * Saves what the preview shows, in the background: new ones and those that replace others, as far as something of them
   * runs. `leaveOut`: paths of files that stay out. `import.not-found`, `import.not-ready`.
   */
  save(by: Account, id: number, leaveOut: readonly string[]): void {
    const found = this.#existing(by, id)
    if (found.state.phase !== 'ready')
      throw new Failure(found.state.phase === 'saving' ? 'import.busy' : 'import.not-ready')
    const out = new Set(leaveOut)
    const files = found.state.files.filter(
      ({ path, step, runs }) => !out.has(path) && runs === true && (step === 'create' || step === 'update'),
    )
    found.state = { ...found.state, phase: 'saving', done: 0, total: files.length }
    this.#keep(found)
    found.work = this.#guarded(found, () => this.#save(found, files))
  }

  /** Ends it, also while it is being saved; what is saved stays. `import.not-found`. */
  async cancel(by: Account, id: number): Promise<void> {
    await this.#end(this.#existing(by, id))
  }

  async #look(begun: RunningImport, given: readonly GivenFile[], folder: string): Promise<void> {
    const { signal } = begun.stopping
    const order = {
      ...({ task: 'fetch', kind: 'given', url: '', branch: '', token: '', known: null, folder } as const),
      ...{ files: given, rules: { hosts: [], networks: [], ca: '' }, limits: this.#limits },
    }
    const { texts, unreadable } = (await runFetch(order, signal)) as Extract<Fetched, { state: 'fetched' }>
    const names = rulesetNamesOf(texts.map(({ path }) => path))
    const refused = new Map<string, string>()
    const steps: { kind: StepKind; path: string; name: string; text: FetchedText }[] = []
    for (const [i, text] of texts.entries()) {
      const name = names[i] ?? ''
      const { kind, replaces, refusal } = await this.#stepOf(begun.by, name, text)
      if (refusal !== null) refused.set(text.path, refusal)
      begun.texts.set(text.path, { text, replaces })
      steps.push({ kind, path: text.path, name, text })
    }
    begun.state = { ...begun.state, phase: 'checking', total: steps.length, unreadable }
    const parts = { checker: this.#checker, explain: this.#explain }
    const { files, corpus } = await previewSteps(steps, parts, signal, (done, total) => {
      begun.state = { ...begun.state, done, total }
      this.#keep(begun)
    })
    const shown = files.map((file): ImportedFile => {
      const refusal = refused.get(file.path)
      if (refusal !== undefined) return { ...file, step: 'refused', problems: [refusal] }
      return { ...file, step: file.step as 'create' | 'update' | 'keep' }
    })
    begun.state = { ...begun.state, phase: 'ready', done: files.length, total: files.length, files: shown, corpus }
  }

  async #stepOf(
    by: Account,
    name: string,
    { digest }: FetchedText,
  ): Promise<{ readonly kind: StepKind; readonly replaces: number; readonly refusal: string | null }> {
    const existing = await this.#store.rulesets.findByName(name)
    if (existing === null) return { kind: 'create', replaces: 0, refusal: null }
    const replaces = existing.number ?? 0
    try {
      checkOwner(by, existing)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { kind: 'detached', replaces, refusal: error.message }
    }
    const isSame = existing.digest !== null && Buffer.from(existing.digest).toString('hex') === digest
    const isKept = isSame && existing.state !== 'invalid'
    return { kind: isKept ? 'keep' : 'update', replaces, refusal: null }
  }

  async #save(found: RunningImport, files: readonly ImportedFile[]): Promise<void> {
    const problems: string[] = []
    const counts = { created: 0, updated: 0 }
    for (const [done, { path, ruleset: name, step }] of files.entries()) {
      found.stopping.signal.throwIfAborted()
      found.state = { ...found.state, done, outcome: { ...counts, problems } }
      this.#keep(found)
      const known = found.texts.get(path)
      if (!known) continue
      try {
        const content = await readFile(known.text.file, 'utf8')
        await this.#rulesets.save(found.by, { name, content, partial: true, replaces: known.replaces })
        counts[step === 'create' ? 'created' : 'updated']++
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        if (problems.length < MOST_PROBLEMS) problems.push(`${path}: ${error.message}`)
      }
    }
    found.state = { ...found.state, phase: 'done', done: files.length, outcome: { ...counts, problems } }
    await this.#clear(found)
  }

  /** Never rejects: what goes wrong is in the state. */
  async #guarded(found: RunningImport, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Failure) && !found.stopping.signal.aborted) {
        this.#log.error({ err: error }, 'rules could not be imported')
      }
      const problem = error instanceof Failure ? error.message : 'It was stopped by a defect; the log says more.'
      found.state = { ...found.state, phase: 'failed', problem }
      await this.#clear(found)
    }
  }

  #existing(by: Account, id: number): RunningImport {
    const found = this.#imports.get(by.id)
    if (found?.id !== id) throw new Failure('import.not-found')
    return found
  }

  /** For another hour. */
  #keep(found: RunningImport): void {
    if (found.timer !== null) clearTimeout(found.timer)
    found.timer = setTimeout(() => void this.#end(found).catch(() => {}), KEPT_MS).unref()
  }

  async #end(found: RunningImport): Promise<void> {
    if (found.timer !== null) clearTimeout(found.timer)
    if (this.#imports.get(found.by.id) === found) this.#imports.delete(found.by.id)
    found.stopping.abort()
    await found.work
    await this.#clear(found)
  }

  async #clear({ folders }: RunningImport): Promise<void> {
    for (const folder of folders) await this.#scratch.discard(folder)
  }
}
