import { hash } from 'node:crypto'
import { scanKey, textKey } from '../ruleset-digests.ts'
import type { RunnableRuleset } from '../tasks.ts'
import { type CompiledCache, usualRate } from './compiled.ts'
import type { RulesetReading } from './ruleset-reading.ts'

/**
 * Rulesets compiled together, for samples that many of them remain for. One pass with 274 rulesets costs about what
 * five passes with one each cost; but compiling the 274 costs seconds, once a worker.
 */
export interface Bundle {
  readonly key: string
  readonly rulesets: readonly RunnableRuleset[]
  readonly textBytes: number
  /** Keys of the rulesets. */
  readonly keys: ReadonlySet<string>
  /** Key of the ruleset by the name of a rule that it reports. */
  readonly owner: ReadonlyMap<string, string>
  /** Nanoseconds that scanning one by one has cost more than this bundle would have. */
  regret: number
  /** The engine refuses the texts together: a rule of one is named like a module of another. */
  refused: boolean
  /** Its rulesets are candidates of much the same samples: whoever needs one soon needs the others. */
  readonly isArranged: boolean
}

/** Texts above this are split: compiling must stay within its limit, and a change must not cost everything. */
const BUNDLE_TEXT = 3 * 1024 * 1024
const COMPILE_NS = 3_000_000
const COMPILE_NS_PER_BYTE = 1_000

interface OpenBundle {
  readonly rulesets: RunnableRuleset[]
  readonly owner: Map<string, string>
  /** Of each rule, the text that it is of. */
  readonly texts: Map<string, string>
  readonly scope: string
  textBytes: number
}

/** Groups rulesets, in their order, so that within a bundle rule names differ and no rule is global for others. */
export function bundlesOf(
  rulesets: readonly RunnableRuleset[],
  cache: CompiledCache,
  { isArranged = false }: { readonly isArranged?: boolean } = {},
): Bundle[] {
  const open: OpenBundle[] = []
  const seen = new Set<string>()
  for (const ruleset of rulesets) {
    // Of those with the same text, the first is scanned with for all.
    if (seen.has(scanKey(ruleset))) continue
    seen.add(scanKey(ruleset))
    const { key, part, content } = ruleset
    const reading = readingOf(ruleset, cache)
    if (reading === null) continue
    const shared = scopeOf(ruleset, reading)
    if (shared === null) continue
    const scope = `${shared} ${cache.engineOf(ruleset)}`
    const names = [...reading.rules.keys()]
    const text = part?.text ?? key
    let bundle = open.find(
      (candidate) =>
        candidate.scope === scope &&
        candidate.textBytes + content.length <= BUNDLE_TEXT &&
        names.every((name) => (candidate.texts.get(name) ?? text) === text),
    )
    if (bundle === undefined) {
      bundle = { rulesets: [], owner: new Map(), texts: new Map(), scope, textBytes: 0 }
      open.push(bundle)
    }
    bundle.rulesets.push(ruleset)
    bundle.textBytes += content.length
    for (const name of names) bundle.texts.set(name, text)
    for (const name of part === undefined ? names : [part.rule]) bundle.owner.set(name, key)
  }
  return open
    .filter((bundle) => bundle.rulesets.length > 1)
    .map(({ rulesets, owner, textBytes }) => ({
      rulesets,
      keys: new Set(rulesets.map(({ key }) => key)),
      owner,
      textBytes,
      // By their texts, so that the next hunt finds it compiled.
      key: `bundle ${hash('sha256', rulesets.map(scanKey).join('\n'))}`,
      regret: 0,
      refused: false,
      isArranged,
    }))
}

/** Null where it cannot be read: then it is compiled alone, and fails alone. */
function readingOf(ruleset: RunnableRuleset, cache: CompiledCache): RulesetReading | null {
  try {
    return cache.reading(ruleset)
  } catch {
    return null
  }
}

/**
 * Rulesets with the same answer may be compiled together: a global rule of one would switch off the others, but parts of
 * one text are under the same ones anyway. Null: it is compiled alone.
 */
function scopeOf({ part }: RunnableRuleset, { canShare, complete }: RulesetReading): string | null {
  if (canShare) return ''
  return part !== undefined && complete ? part.text : null
}

/**
 * Whether `wanted` rulesets of the bundle cost less in one scan with all of it than one by one, for a sample of `size`
 * bytes. What is not compiled yet must be compiled first; for the bundle, what scanning one by one has cost too much so
 * far is set against that, so that a bundle is compiled about when it has earned it, and never for one small sample. One
 * that was arranged by its candidates is compiled at once.
 */
export function bundlePays(
  bundle: Bundle,
  wanted: readonly RunnableRuleset[],
  size: number,
  cache: CompiledCache,
): boolean {
  if (bundle.refused || wanted.length < (bundle.isArranged ? 1 : 2)) return false
  const compiled = cache.get(bundle.key)
  const { overheadNs } = cache
  const together = overheadNs + size * (compiled?.nanosecondsPerByte ?? usualRate(bundle.rulesets))
  let apart = 0
  let compileApart = 0
  for (const ruleset of wanted) {
    const unit = cache.get(textKey(ruleset))
    apart += overheadNs + size * (unit?.nanosecondsPerByte ?? usualRate([ruleset]))
    if (unit === undefined) compileApart += COMPILE_NS + ruleset.content.length * COMPILE_NS_PER_BYTE
  }
  if (compiled !== undefined) return together < apart + compileApart
  // Compiling one by one what is needed together costs several times as much.
  if (bundle.isArranged) return compileApart > 0 || together < apart
  bundle.regret += Math.max(0, apart - together)
  return COMPILE_NS + bundle.textBytes * COMPILE_NS_PER_BYTE < bundle.regret + compileApart
}
