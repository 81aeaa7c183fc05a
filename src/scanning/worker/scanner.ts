import { messageOf } from '../../errors/index.ts'
import { asksForNames } from '../asking-for-names.ts'
import type { EngineMatch } from '../engine.ts'
import type { ScanLimits } from '../limits.ts'
import type { ScanFailure } from '../protocol.ts'
import { scanKey, textKey } from '../ruleset-digests.ts'
import type { ExternalVariables, NameVariables, RuleHit, RunnableRuleset, ScanError } from '../tasks.ts'
import { type Bundle, bundlePays } from './bundles.ts'
import type { CompiledCache, CompiledUnit } from './compiled.ts'
import type { Probes } from './probes.ts'
import type { HeldRulesets, HeldSet } from './rulesets.ts'
import { shownMeta, shownTags } from './shown-rule.ts'
import { stringHits } from './string-hits.ts'
import type { Task } from './task.ts'

export interface ScanRequest {
  readonly item: number
  readonly bytes: Buffer
  readonly variables: ExternalVariables
  /** Further names of the sample. */
  readonly alsoNamed?: readonly NameVariables[]
  readonly set: HeldSet
  readonly rulesets: readonly RunnableRuleset[]
  readonly strings: boolean
  /** Keys of rulesets that are not run on this sample, not even together with others. */
  readonly without?: ReadonlySet<string>
}

export interface ScanResult {
  readonly hits: readonly RuleHit[]
  readonly errors: readonly ScanError[]
  /** The sample's size, or 0 when no engine looked at it. */
  readonly scannedBytes: number
}

/** A rate measured on less says more about the clock than about the rules. */
const MEASURABLE = 64 * 1024

/** What hits carry of the strings where only the ruleset asks for them. */
const firstOnly = { hitsPerString: 1, hitsPerRule: 100 }

/** Gives to others with the same text what was found with the first. */
function shareOut(first: string, others: readonly RunnableRuleset[], hits: RuleHit[], errors: ScanError[]): void {
  if (others.length === 0) return
  const found = hits.filter(({ ruleset }) => ruleset === first)
  const failed = errors.filter(({ ruleset }) => ruleset === first)
  for (const { key } of others) {
    for (const hit of found) hits.push({ ...hit, ruleset: key })
    for (const failure of failed) errors.push({ ...failure, ruleset: key })
  }
}

/** False for a rule that a part of a text only refers to. */
function reports({ part }: RunnableRuleset, rule: string): boolean {
  return part === undefined || part.rule === rule
}

/** Runs rulesets over one sample: one small scan each, or a bundle where that costs less. */
export class Scanner {
  readonly #cache: CompiledCache
  readonly #held: HeldRulesets
  readonly #limits: ScanLimits
  readonly #probes: Probes

  constructor(parts: {
    readonly cache: CompiledCache
    readonly held: HeldRulesets
    readonly limits: ScanLimits
    readonly probes: Probes
  }) {
    this.#cache = parts.cache
    this.#held = parts.held
    this.#limits = parts.limits
    this.#probes = parts.probes
  }

  /** Hits are ordered as `request.rulesets`, then as in the text. */
  scan(task: Task, request: ScanRequest): ScanResult {
    this.#probe(task, request)
    const hits: RuleHit[] = []
    const errors: ScanError[] = []
    const runnable: RunnableRuleset[] = []
    const excluded = this.#exclusions(task, request)
    for (const ruleset of request.rulesets) {
      const failure = excluded(ruleset)
      if (failure === undefined) runnable.push(ruleset)
      else errors.push({ ruleset: ruleset.key, ...failure })
    }

    // Tenants run the same public rules: a text is scanned with once, whoever has it.
    const sharers = [...Map.groupBy(runnable, scanKey).values()]
    let left = sharers.flatMap(([first]) => first ?? [])
    if (task.exclusions.allowed.bundles && left.length > 0) {
      for (const bundle of this.#held.bundles(request.set)) {
        if (!left.some(({ key }) => bundle.keys.has(key))) continue
        // In a bundle all of its rulesets run, also those that are not asked for.
        const runs = (ruleset: RunnableRuleset) => !request.without?.has(ruleset.key) && excluded(ruleset) === undefined
        if (!bundle.rulesets.every(runs)) continue
        left = this.#scanBundle(task, request, bundle, left, hits)
      }
    }
    for (const ruleset of left) {
      const failure = this.#scanOne(task, request, ruleset, hits)
      if (failure !== null) errors.push({ ruleset: ruleset.key, ...failure })
    }
    let scans = runnable.length === 0 ? 0 : 1
    for (const names of request.alsoNamed ?? []) {
      const asking = sharers.flatMap(([first]) => first ?? []).filter(asksForNames)
      const undecided = asking.filter(({ key }) => !errors.some(({ ruleset }) => ruleset === key))
      if (undecided.length > 0) scans++
      this.#scanUnder(names, task, request, undecided, hits, errors)
    }
    for (const [first, ...others] of sharers) if (first) shareOut(first.key, others, hits, errors)

    const order = new Map(request.rulesets.map((ruleset, index) => [ruleset.key, index]))
    hits.sort((a, b) => (order.get(a.ruleset) ?? 0) - (order.get(b.ruleset) ?? 0))
    return { hits, errors, scannedBytes: scans * request.bytes.length }
  }

  /** Adds what holds under another name. */
  #scanUnder(
    names: NameVariables,
    task: Task,
    request: ScanRequest,
    rulesets: readonly RunnableRuleset[],
    hits: RuleHit[],
    errors: ScanError[],
  ): void {
    const renamed = { ...request, variables: { ...request.variables, ...names } }
    for (const ruleset of rulesets) {
      const found: RuleHit[] = []
      const failure = this.#scanOne(task, renamed, ruleset, found)
      if (failure !== null) errors.push({ ruleset: ruleset.key, ...failure })
      for (const hit of found) {
        const place = hits.findIndex(({ ruleset, rule }) => ruleset === hit.ruleset && rule === hit.rule)
        const known = hits[place]
        if (known === undefined) hits.push(hit)
        else if (hit.name !== undefined && hit.name !== known.name)
          hits[place] = { ...known, otherNames: [...(known.otherNames ?? []), hit.name] }
      }
    }
  }

  /** What is left out on this sample, and what is reported instead. */
  #exclusions(task: Task, { item, set }: ScanRequest): (ruleset: RunnableRuleset) => ScanFailure | undefined {
    const pairs = task.exclusions.pairs.filter((pair) => pair.item === item)
    const modules = task.exclusions.modules.filter((module) => module.item === item)
    // Rulesets with the same text do the same.
    const byText = new Map(
      pairs.flatMap(({ ruleset, failure }) => {
        const failed = ruleset === null ? undefined : set.byKey.get(ruleset)
        return failed === undefined ? [] : [[textKey(failed), failure] as const]
      }),
    )
    const whole = modules.find(({ module }) => module === '') ?? pairs.find(({ ruleset }) => ruleset === null)
    return (ruleset) => {
      if (whole !== undefined) return whole.failure
      if (modules.length > 0) {
        const imported = this.#cache.modules(ruleset)
        const failing = modules.find(({ module }) => imported.includes(module))
        if (failing !== undefined) return failing.failure
      }
      return (byText.size === 0 ? undefined : byText.get(textKey(ruleset))) ?? this.#held.failure(ruleset.key)
    }
  }

  /** A worker was lost over this sample: does the engine survive it without the rules? */
  #probe(task: Task, { item, bytes, set }: ScanRequest): void {
    const asked = new Set<string>()
    for (const probe of task.exclusions.probes) {
      const ruleset = probe.item === item ? set.byKey.get(probe.ruleset) : undefined
      if (ruleset !== undefined) for (const module of ['', ...this.#cache.modules(ruleset)]) asked.add(module)
    }
    for (const { item: known, module } of task.exclusions.modules) if (known === item) asked.delete(module)
    for (const module of asked) {
      task.note('probe', { item, ruleset: module, allowedMs: task.scanMs(bytes.length) })
      this.#probes.run(module, bytes)
    }
  }

  /** What is reported where all of the rulesets are in quarantine; null where some are not. */
  nothingToRun(rulesets: readonly RunnableRuleset[]): readonly ScanError[] | null {
    const errors: ScanError[] = []
    for (const { key } of rulesets) {
      const failure = this.#held.failure(key)
      if (failure === undefined) return null
      errors.push({ ruleset: key, ...failure })
    }
    return errors
  }

  /** Compiles a ruleset by itself ahead of its first use. */
  warm(task: Task, ruleset: RunnableRuleset): void {
    try {
      this.#compiled(task, 0, ruleset)
    } catch {
      // The first scan with it finds the same and reports it.
    }
  }

  /** Scans what `left` has in common with the bundle, if that pays; gives what is still to be scanned. */
  #scanBundle(
    task: Task,
    request: ScanRequest,
    bundle: Bundle,
    left: RunnableRuleset[],
    hits: RuleHit[],
  ): RunnableRuleset[] {
    const wanted = left.filter(
      (ruleset) => bundle.keys.has(ruleset.key) && this.#held.failure(ruleset.key) === undefined,
    )
    if (!bundlePays(bundle, wanted, request.bytes.length, this.#cache)) return left
    let unit = this.#cache.get(bundle.key)
    if (unit === undefined) {
      task.note('compile', { item: request.item, bundle: true, allowedMs: this.#limits.compileMs })
      try {
        unit = this.#cache.compile(bundle.key, bundle.rulesets)
      } catch {
        this.#refused(task, request, bundle)
        return left
      }
    }
    let matches: EngineMatch[]
    try {
      matches = this.#run(task, request, unit, null)
    } catch {
      bundle.refused = true
      return left
    }
    const byKey = new Map(wanted.map((ruleset) => [ruleset.key, ruleset]))
    for (const match of matches) {
      const ruleset = byKey.get(bundle.owner.get(match.rule) ?? '')
      if (ruleset !== undefined) hits.push(this.#hit(ruleset, match, request))
    }
    return left.filter((ruleset) => !byKey.has(ruleset.key))
  }

  /**
   * Each compiles by itself; together a name of one may mean something else in another. Or some of them compile with
   * another engine only, which shows when they are compiled: the others stay together without them.
   */
  #refused(task: Task, { item }: ScanRequest, bundle: Bundle): void {
    bundle.refused = true
    const engines = bundle.rulesets.map((ruleset) => this.#cache.engineOf(ruleset))
    for (const ruleset of bundle.rulesets) {
      try {
        this.#compiled(task, item, ruleset)
      } catch {
        // The scan with it finds the same and reports it.
      }
    }
    if (bundle.rulesets.some((ruleset, n) => this.#cache.engineOf(ruleset) !== engines[n])) {
      this.#held.bundleAnew(bundle.rulesets.map(({ key }) => key))
    }
  }

  #scanOne(task: Task, request: ScanRequest, ruleset: RunnableRuleset, hits: RuleHit[]): ScanFailure | null {
    try {
      const unit = this.#compiled(task, request.item, ruleset)
      for (const match of this.#run(task, request, unit, ruleset.key)) {
        if (reports(ruleset, match.rule)) hits.push(this.#hit(ruleset, match, request))
      }
      return null
    } catch (error) {
      // The system's errors, such as a full disk, say nothing of the rules.
      if (error instanceof Error && 'errno' in error) throw error
      return { reason: 'engine', message: messageOf(error) }
    }
  }

  #compiled(task: Task, item: number, ruleset: RunnableRuleset): CompiledUnit {
    const unit = this.#cache.get(textKey(ruleset))
    if (unit !== undefined) return unit
    task.note('compile', { item, ruleset: ruleset.key, allowedMs: this.#limits.compileMs })
    return this.#cache.compile(textKey(ruleset), [ruleset])
  }

  #run(task: Task, request: ScanRequest, unit: CompiledUnit, ruleset: string | null): EngineMatch[] {
    const size = request.bytes.length
    task.note('scan', {
      item: request.item,
      ruleset,
      bundle: ruleset === null,
      allowedMs: task.scanMs(size),
    })
    const isMeasured = size >= MEASURABLE
    const before = isMeasured ? process.threadCpuUsage() : undefined
    const matches = unit.rules.scan(request.bytes, request.variables)
    if (isMeasured) {
      // Of the processor, not of the clock: what else the machine does says nothing of the rules.
      const { user, system } = process.threadCpuUsage(before)
      const rate = ((user + system) * 1e3) / size
      unit.nanosecondsPerByte += (rate - unit.nanosecondsPerByte) / 4
    }
    return matches
  }

  #hit(ruleset: RunnableRuleset, match: EngineMatch, request: ScanRequest): RuleHit {
    const reading = this.#cache.reading(ruleset)
    const rule = reading.rules.get(match.rule)
    return {
      ruleset: ruleset.key,
      rule: match.rule,
      ...((ruleset.part?.asksForNames ?? asksForNames(ruleset)) && { name: request.variables.filename }),
      tags: shownTags(match.tags),
      meta: shownMeta(reading.complete && rule !== undefined ? rule.meta : match.meta),
      strings:
        request.strings || ruleset.firstStrings
          ? stringHits(
              match.strings,
              request.bytes,
              rule?.privateStrings ?? new Set(),
              request.strings ? this.#limits : firstOnly,
            )
          : [],
    }
  }
}
