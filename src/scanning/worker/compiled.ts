import { textOfParts } from '../../yara/index.ts'
import type { CompiledRules, Engines } from '../engine.ts'
import { importedModules } from '../imported-modules.ts'
import type { ScanLimits } from '../limits.ts'
import { textKey } from '../ruleset-digests.ts'
import type { RunnableRuleset } from '../tasks.ts'
import { collectGarbage } from './garbage.ts'
import { type RulesetReading, readRuleset } from './ruleset-reading.ts'

/** Rules that are compiled together: a ruleset by itself, or a bundle of several. */
export interface CompiledUnit {
  readonly rules: CompiledRules
  /** Measured; starts from what is usual for a unit of this size. */
  nanosecondsPerByte: number
  readonly textBytes: number
}

/**
 * More matches of one string than anyone looks at. Where conditions do not count them, recording stops here: a million
 * matches cost three seconds to hand over.
 */
const MATCHES_PER_STRING = 1_000

/** What a unit takes, measured: so much whatever its text is, and so many bytes for each of its text. */
const UNIT_BYTES = 512 * 1024
const BYTES_PER_TEXT_BYTE = 50
/** What was let go adds up to this before the collector is called: the engine's memory hangs on small handles. */
const COLLECT_AFTER_BYTES = 64 * 1024 ** 2

/** Texts whose readings are kept. */
const KEPT_READINGS = 2_000

const importsOf = new WeakMap<RunnableRuleset, readonly string[]>()

/** Compiled rules by the key of their text, the least recently used ones let go first. */
export class CompiledCache {
  readonly #engines: Engines
  readonly #limits: ScanLimits
  /** By the key of a text, the engine that compiled it alone, where that is not the one it is tried on first. */
  readonly #turnedTo = new Map<string, string>()
  readonly #units = new Map<string, CompiledUnit>()
  readonly #readings = new Map<string, RulesetReading>()
  /** Of memory. */
  #bytes = 0
  #evictedBytes = 0

  constructor(engines: Engines, limits: ScanLimits) {
    this.#engines = engines
    this.#limits = limits
  }

  has(key: string): boolean {
    return this.#units.has(key)
  }

  /** The unit, which counts as used now. */
  get(key: string): CompiledUnit | undefined {
    const unit = this.#units.get(key)
    if (unit === undefined) return undefined
    this.#units.delete(key)
    this.#units.set(key, unit)
    return unit
  }

  /** The modules that a ruleset imports. */
  modules(ruleset: RunnableRuleset): readonly string[] {
    let modules = importsOf.get(ruleset)
    if (modules === undefined) {
      modules = importedModules(ruleset.content)
      importsOf.set(ruleset, modules)
    }
    return modules
  }

  /** Reads a ruleset with our parser, once. */
  reading(ruleset: RunnableRuleset): RulesetReading {
    const key = textKey(ruleset)
    let reading = this.#readings.get(key)
    if (reading === undefined) {
      reading = readRuleset(ruleset.content)
      this.#readings.set(key, reading)
      for (const oldest of this.#readings.keys()) {
        if (this.#readings.size <= KEPT_READINGS) break
        this.#readings.delete(oldest)
      }
    }
    return reading
  }

  /** The engine that runs a ruleset, as far as it is known before it is compiled. */
  engineOf(ruleset: RunnableRuleset): string {
    return this.#turnedTo.get(textKey(ruleset)) ?? this.#engines.firstFor(ruleset.content)
  }

  /** What one scan costs, however small sample and rules are. */
  get overheadNs(): number {
    return this.#engines.overheadNs
  }

  /**
   * Compiles rulesets into one unit and keeps it under `key`. Throws when the engine refuses the text. Several are
   * compiled with the engine of the first, so that none runs on another because of its neighbours.
   */
  compile(key: string, rulesets: readonly RunnableRuleset[]): CompiledUnit {
    const text = textOf(rulesets)
    const [first, ...others] = rulesets
    const rules =
      first !== undefined && others.length > 0
        ? this.#engines.compileOn(this.engineOf(first), text)
        : this.#engines.compile(text)
    if (first !== undefined && others.length === 0) this.#noteEngine(first, rules.engine)
    if (!rulesets.some((ruleset) => this.reading(ruleset).countsMatches))
      rules.limitMatchesPerString(MATCHES_PER_STRING)
    const unit: CompiledUnit = {
      rules,
      nanosecondsPerByte: usualRate(rulesets),
      textBytes: text.length,
    }
    this.#units.set(key, unit)
    this.#bytes += memoryOf(unit)
    this.#evict()
    return unit
  }

  #noteEngine(ruleset: RunnableRuleset, engine: string): void {
    if (engine === this.engineOf(ruleset)) return
    this.#turnedTo.set(textKey(ruleset), engine)
    for (const oldest of this.#turnedTo.keys()) {
      if (this.#turnedTo.size <= KEPT_READINGS) break
      this.#turnedTo.delete(oldest)
    }
  }

  /** Text bytes of what is compiled by itself: bundles make way for it. */
  get textBytesAlone(): number {
    let alone = 0
    for (const [key, { textBytes }] of this.#units) if (!key.startsWith('bundle ')) alone += textBytes
    return alone
  }

  forget(key: string): void {
    this.#drop(key)
    this.#collect()
  }

  #evict(): void {
    for (const key of this.#units.keys()) {
      if (this.#units.size <= 1 || this.#bytes <= this.#limits.compiledBytes) break
      this.#drop(key)
    }
    this.#collect()
  }

  #drop(key: string): void {
    const unit = this.#units.get(key)
    if (unit === undefined) return
    this.#units.delete(key)
    this.#bytes -= memoryOf(unit)
    this.#evictedBytes += memoryOf(unit)
  }

  #collect(): void {
    if (this.#evictedBytes < COLLECT_AFTER_BYTES) return
    this.#evictedBytes = 0
    collectGarbage()
  }
}

function memoryOf({ textBytes }: CompiledUnit): number {
  return UNIT_BYTES + BYTES_PER_TEXT_BYTE * textBytes
}

/** Each on lines of its own: a text may end in a comment. What parts of one text have in common is there once. */
function textOf(rulesets: readonly RunnableRuleset[]): string {
  const texts = Map.groupBy(rulesets, ({ key, part }) => part?.text ?? key)
  return [...texts.values()]
    .map(([first, ...others]) =>
      first?.part === undefined || others.length === 0
        ? (first?.content ?? '')
        : textOfParts([first, ...others].flatMap(({ part }) => part ?? [])),
    )
    .join('\n')
}

/**
 * Nanoseconds a byte, until they are measured. On Windows binaries with public rules it is 1.3 for a ruleset and 7 for 274
 * of them together. Rules that were taken apart by what they demand are those that look for common things: there it grows
 * with the root of their number (8 for 27 of them, 20 for 166, 37 for 1,580).
 */
export function usualRate(rulesets: readonly RunnableRuleset[]): number {
  const { length } = rulesets
  if (length === 1) return 1.3
  if (rulesets.some(({ part }) => part !== undefined)) return 1.3 * Math.sqrt(length)
  return Math.min(1.3 * length, 3 + length / 70)
}
