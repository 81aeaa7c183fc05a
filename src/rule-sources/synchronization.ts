/**
 * Brings rulesets to what their source has, one after the other. Each is saved in a transaction of its own that also says
 * where the text came from, so a synchronization that is cut off is simply done again.
 */
import { readFile } from 'node:fs/promises'
import { Failure } from '../errors/index.ts'
import type { Checker, Rulesets } from '../rulesets/index.ts'
import type { Store, StoredRuleSource, StoredSourceFile } from '../store/index.ts'
import type { FetchedText } from './fetching/order.ts'
import { checkText } from './preview.ts'
import type { Step } from './steps.ts'

export interface SyncOutcome {
  readonly version: string
  readonly created: number
  readonly updated: number
  /** Disabled or deleted, since their files are gone. */
  readonly removed: number
  readonly unchanged: number
  /** Files that no ruleset was made of, since nobody asked for it. */
  readonly offered: number
  /** Edited here, and left alone. */
  readonly detached: number
  /** What could not be done, with file and line. */
  readonly problems: readonly string[]
}

/** A ruleset that other appliances share follows the source there too. */
const purpose = { byItself: 'source' } as const

/** Failures that another attempt would meet again; all others may go away. */
const lasting: ReadonlySet<string> = new Set(['ruleset.core', 'ruleset.foreign', 'parameter.out-of-range'])
const MOST_PROBLEMS = 100

export class Synchronization {
  readonly #store: Store
  readonly #rulesets: Rulesets
  readonly #checker: Checker
  readonly #source: StoredRuleSource
  readonly #version: string
  readonly #problems: string[] = []
  readonly #done = { created: 0, updated: 0, removed: 0, unchanged: 0, offered: 0, detached: 0 }
  #isComplete = true

  constructor(parts: {
    readonly store: Store
    readonly rulesets: Rulesets
    readonly checker: Checker
    readonly source: StoredRuleSource
    readonly version: string
  }) {
    this.#store = parts.store
    this.#rulesets = parts.rulesets
    this.#checker = parts.checker
    this.#source = parts.source
    this.#version = parts.version
  }

  /** `isComplete`: no step failed in a way that another attempt may mend. */
  async run(
    steps: readonly Step<FetchedText>[],
    unreadable: readonly { readonly path: string; readonly message: string }[],
    signal: AbortSignal,
    onProgress: (done: number, total: number) => void,
  ): Promise<{ readonly outcome: SyncOutcome; readonly isComplete: boolean }> {
    for (const { message } of unreadable) this.#addProblem(message)
    for (const [done, step] of steps.entries()) {
      signal.throwIfAborted()
      onProgress(done, steps.length)
      try {
        await this.#take(step)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        if (!lasting.has(error.code)) this.#isComplete = false
        this.#addProblem(`${step.path}: ${error.message}`)
        await this.#note(step, { problem: error.message })
      }
    }
    return {
      outcome: { version: this.#version, ...this.#done, problems: this.#problems },
      isComplete: this.#isComplete,
    }
  }

  async #take(step: Step<FetchedText>): Promise<void> {
    const { kind, path, name, text, ruleset, known } = step
    const by = this.#source.owner
    switch (kind) {
      case 'keep':
        this.#done.unchanged++
        if (known?.state !== 'imported') await this.#note(step, { state: 'imported' })
        return
      case 'offer':
        this.#done.offered++
        if (known?.state !== 'offered' || known.problem !== null)
          await this.#note(step, { state: 'offered', problem: null })
        return
      case 'detached':
        this.#done.detached++
        await this.#note(step, { state: text === null ? 'gone' : 'imported', problem: null })
        return
      case 'declined':
        return
      case 'forget':
        return this.#store.ruleSources.deleteFiles(this.#source.id, [path])
      case 'disable':
        if (ruleset?.enabled) await this.#rulesets.setEnabled(by, name, false, purpose)
        this.#done.removed++
        return this.#note(step, { state: 'gone', disabled: ruleset?.enabled ?? false, problem: null })
      case 'delete':
        await this.#rulesets.remove(by, name, purpose)
        this.#done.removed++
        return this.#store.ruleSources.deleteFiles(this.#source.id, [path])
      case 'restore':
        await this.#rulesets.setEnabled(by, name, true, purpose)
        this.#done.updated++
        return this.#note(step, { state: 'imported', disabled: false, problem: null })
      case 'create':
      case 'update':
        return this.#save(step)
    }
  }

  async #save(step: Step<FetchedText>): Promise<void> {
    const { name, path, text, ruleset, known } = step
    if (text === null) throw new Error(`There is no text of ${path}.`)
    const content = await readFile(text.file, 'utf8')
    const { runs, problems } = await checkText(this.#checker, content, text)
    for (const problem of problems) this.#addProblem(problem)
    const problem = problems[0] ?? null
    if (!runs) {
      // What runs stays: half an hour without a ruleset because of a slip upstream would be a gap.
      await this.#note(step, { state: ruleset === null ? 'offered' : 'imported', problem })
      return
    }
    const { id: sourceId, name: source, url } = this.#source
    await this.#rulesets.save(this.#source.owner, {
      name,
      content,
      partial: true,
      replaces: ruleset?.revision ?? 0,
      ...purpose,
      origin: { sourceId, source, url, path, version: this.#version },
    })
    if (known?.disabled && ruleset?.enabled === false) {
      await this.#rulesets.setEnabled(this.#source.owner, name, true, purpose)
    }
    this.#done[ruleset === null ? 'created' : 'updated']++
    await this.#note(step, { state: 'imported', digest: text.digest, disabled: false, problem })
  }

  /** What is left out stays as it is known. */
  async #note({ path, known, ruleset }: Step<FetchedText>, change: Partial<StoredSourceFile>): Promise<void> {
    const before = known ?? {
      state: ruleset === null ? 'offered' : 'imported',
      digest: null,
      disabled: false,
      problem: null,
    }
    await this.#store.ruleSources.putFiles(this.#source.id, [{ ...before, ...change, path }])
  }

  #addProblem(problem: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem)
  }
}
