import type { RunnableRuleset } from '../tasks.ts'
import { type CompiledCache, scanKey, textKey, usualRate } from './compiled.ts'

/**
 * Rulesets compiled together, for samples that many of them remain for. One pass with 274 rulesets costs about what
 * five passes with one each cost; but compiling the 274 costs seconds, once a worker.
 */
export interface Bundle {
  readonly key: string
  readonly rulesets: readonly RunnableRuleset[]
  readonly textBytes: number
  /** Key of the ruleset by rule name. */
  readonly owner: ReadonlyMap<string, string>
  /** Nanoseconds that scanning one by one has cost more than this bundle would have. */
  regret: number
  /** The engine refuses the texts together: a rule of one is named like a module of another. */
  refused: boolean
}

/** Texts above this are split: compiling must stay within its limit, and a change must not cost everything. */
const BUNDLE_TEXT = 3 * 1024 * 1024
export const OVERHEAD_NS = 25_000
const COMPILE_NS = 3_000_000
const COMPILE_NS_PER_BYTE = 1_000

/** Groups rulesets, in their order, so that within a bundle rule names differ and no rule is global. */
export function bundlesOf(rulesets: readonly RunnableRuleset[], cache: CompiledCache): Bundle[] {
  const open: { rulesets: RunnableRuleset[]; owner: Map<string, string>; textBytes: number }[] = []
  const seen = new Set<string>()
  for (const ruleset of rulesets) {
    // Of those with the same text, the first is scanned with for all.
    if (seen.has(scanKey(ruleset))) continue
    seen.add(scanKey(ruleset))
    const reading = cache.reading(ruleset)
    if (!reading.canShare) continue
    const names = [...reading.rules.keys()]
    let bundle = open.find(
      (candidate) =>
        candidate.textBytes + ruleset.content.length <= BUNDLE_TEXT &&
        names.every((name) => !candidate.owner.has(name)),
    )
    if (bundle === undefined) {
      bundle = { rulesets: [], owner: new Map(), textBytes: 0 }
      open.push(bundle)
    }
    bundle.rulesets.push(ruleset)
    bundle.textBytes += ruleset.content.length
    for (const name of names) bundle.owner.set(name, ruleset.key)
  }
  return open
    .filter((bundle) => bundle.rulesets.length > 1)
    .map((bundle) => ({
      ...bundle,
      key: `bundle ${bundle.rulesets.map((ruleset) => ruleset.key).join(' ')}`,
      regret: 0,
      refused: false,
    }))
}

/**
 * Whether `wanted` rulesets of the bundle cost less in one scan with all of it than one by one, for a sample of `size`
 * bytes. What is not compiled yet must be compiled first; for the bundle, what scanning one by one has cost too much so
 * far is set against that, so that a bundle is compiled about when it has earned it, and never for one small sample.
 */
export function bundlePays(
  bundle: Bundle,
  wanted: readonly RunnableRuleset[],
  size: number,
  cache: CompiledCache,
): boolean {
  if (bundle.refused || wanted.length < 2) return false
  const compiled = cache.get(bundle.key)
  const together = OVERHEAD_NS + size * (compiled?.nanosecondsPerByte ?? usualRate(bundle.rulesets.length))
  let apart = 0
  let compileApart = 0
  for (const ruleset of wanted) {
    const unit = cache.get(textKey(ruleset))
    apart += OVERHEAD_NS + size * (unit?.nanosecondsPerByte ?? usualRate(1))
    if (unit === undefined) compileApart += COMPILE_NS + ruleset.content.length * COMPILE_NS_PER_BYTE
  }
  if (compiled !== undefined) return together < apart + compileApart
  bundle.regret += Math.max(0, apart - together)
  return COMPILE_NS + bundle.textBytes * COMPILE_NS_PER_BYTE < bundle.regret + compileApart
}
