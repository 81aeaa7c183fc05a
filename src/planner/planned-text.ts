/**
 * A whole text, planned: what is stored of it, what its author should hear, and what `explain` shows of each rule.
 *
 * Reading and planning a text that somebody made up costs time and memory: it is done in a process that may be lost
 * over it. Whoever asked then gets `unplannedText`, which lets every sample through.
 */
import { type Diagnostic, Diagnostics, fingerprints, Places, parse, type Rule, type SourceFile } from '../yara/index.ts'
import { givenUp } from './algebra.ts'
import type { RulePlan, RulesetPlan } from './plan.ts'
import { type PlannedPart, planParts } from './plan-parts.ts'
import { printPlan } from './print.ts'
import { planRuleset } from './ruleset.ts'
import { writePlan } from './stored-plan.ts'
import { type WeakestDemand, weakestDemand } from './weakest-demand.ts'

/** What is kept of a rule beside the text. */
export interface SummarizedRule {
  readonly name: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string | number | boolean>>
  readonly fingerprint: string
}

export interface PlannedText {
  /** Null where the rules of the text are not known, and where parts were asked for: hunts do without. */
  readonly rules: readonly SummarizedRule[] | null
  /** The plan of all rules together, as `writePlan` writes it. */
  readonly plan: string
  /** What is hunted without the index, and why. */
  readonly warnings: readonly Diagnostic[]
  /** Rule by rule, where that was asked for; of a text with very many rules, the first. */
  readonly explained: readonly PlannedRule[]
  /** What each rule of the text demands, where that was asked for; null where it cannot be told of all of them. */
  readonly costs: readonly RuleCost[] | null
  /** The text taken apart, where that was asked for and is of use; null: it is looked up and run as a whole. */
  readonly parts: readonly PlannedPart[] | null
}

/** What a rule demands: by it the index tells what hunting with the rule costs. */
export interface RuleCost {
  readonly rule: string
  readonly isPrivate: boolean
  /** As `writePlan` writes it. */
  readonly plan: string
  readonly weakest: WeakestDemand
}

export interface PlannedRule extends RuleCost {
  /** For people. */
  readonly printed: string
  readonly unindexable: RulePlan['unindexable']
  readonly advice: RulePlan['advice']
}

/** Rules that are explained one by one, and the characters of their stored plans. */
const MAX_EXPLAINED = 1_000
const MAX_EXPLAINED_CHARACTERS = 4 * 1024 * 1024
/** Characters of the stored plans of all rules whose costs are told. */
const MAX_COSTS_CHARACTERS = 32 * 1024 * 1024
/** Strings of one rule, and pieces of advice, that are reported. */
const MAX_REMARKS = 100

const CODE = 'without-index'

/**
 * Plans a text that compiles. Takes any text; `explain` gives what is to be shown of each rule as well, `costs` what each
 * demands, and `inParts` the parts of a text that has many rules. `file`: the text as `parse` gives it, where that is known.
 */
export function planText(
  text: string,
  { explain = false, costs = false, inParts = false }: Partial<Record<'explain' | 'costs' | 'inParts', boolean>> = {},
  file: SourceFile = parse(text),
): PlannedText {
  const ruleset = planRuleset(file)
  const stored = writePlan(ruleset.plan)
  const explained = explain ? explainedRules(text, file, ruleset) : []
  const warnings = new Diagnostics(text, 'warning')
  for (const { message, span } of ruleset.warnings) warnings.add(CODE, message, span)
  const isLarge = 'These rules are hunted without the index, so every sample is scanned: their plan is too large.'
  if (stored === null) warnings.add(CODE, isLarge, { from: 0, to: 0 })
  if (explain && explained.length < ruleset.rules.length) {
    const message = `Of ${ruleset.rules.length} rules, the first ${explained.length} are explained one by one.`
    warnings.add('explained-in-part', message, { from: 0, to: 0 })
  }
  return {
    rules: inParts || (file.notUnderstood !== null && file.rules.length === 0) ? null : summaries(file, text),
    plan: stored ?? everySample('the plan is too large'),
    warnings: warnings.finish(),
    explained,
    costs: costs ? costsOf(text, file, ruleset) : null,
    parts: inParts ? planParts(text, file, ruleset) : null,
  }
}

/** What stands in for the plan of a text that could not be planned. */
export function unplannedText(why: string): PlannedText {
  const warnings = new Diagnostics('', 'warning')
  const message = `These rules are hunted without the index, so every sample is scanned: ${why}.`
  warnings.add(CODE, message, { from: 0, to: 0 })
  return { rules: null, plan: everySample(why), warnings: warnings.finish(), explained: [], costs: null, parts: null }
}

/** The stored form of a plan that demands nothing. */
export function everySample(why: string): string {
  return writePlan(givenUp(why)) as string
}

function summaries(file: SourceFile, text: string): SummarizedRule[] {
  const prints = fingerprints(file, text)
  return file.rules.map(({ name, tags, meta }) => ({
    name,
    tags,
    meta: Object.fromEntries(meta.map(({ key, value }) => [key, value])),
    fingerprint: prints.get(name) ?? '',
  }))
}

function explainedRules(text: string, file: SourceFile, { rules }: RulesetPlan): PlannedRule[] {
  const explained: PlannedRule[] = []
  const places = new Places(text)
  let characters = 0
  for (const [i, planned] of rules.slice(0, MAX_EXPLAINED).entries()) {
    const cost = costOf(text, places, file.rules[i], planned)
    characters += cost.plan.length
    if (characters > MAX_EXPLAINED_CHARACTERS) break
    explained.push({
      ...cost,
      printed: printPlan(planned.plan),
      unindexable: planned.unindexable.slice(0, MAX_REMARKS),
      advice: planned.advice.slice(0, MAX_REMARKS),
    })
  }
  return explained
}

function costsOf(text: string, file: SourceFile, { rules }: RulesetPlan): RuleCost[] | null {
  // There may be rules that are not known.
  if (file.notUnderstood !== null) return null
  const costs: RuleCost[] = []
  const places = new Places(text)
  let characters = 0
  for (const [i, planned] of rules.entries()) {
    const cost = costOf(text, places, file.rules[i], planned)
    characters += cost.plan.length
    if (characters > MAX_COSTS_CHARACTERS) return null
    costs.push(cost)
  }
  return costs
}

function costOf(text: string, places: Places, rule: Rule | undefined, { plan, ...planned }: RulePlan): RuleCost {
  return {
    rule: planned.rule,
    isPrivate: planned.isPrivate,
    plan: writePlan(plan) ?? everySample('the plan is too large'),
    weakest: rule === undefined ? { line: 1, column: 1, term: '' } : weakestDemand(rule, plan, text, places),
  }
}
