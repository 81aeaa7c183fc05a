import { randomUUID } from 'node:crypto'
import { type Plan, printPlan, type RulePlan, type RulesetPlan } from '../planner/index.ts'
import type { Checker } from '../rulesets/index.ts'
import type { RuleSet } from '../scanning/index.ts'
import type { Diagnostic, LeftOut } from '../yara/index.ts'
import { checkTexts, type HuntText, runnableOf } from './hunt-text.ts'
import { type SweepSources, suspects } from './sweep.ts'

export interface ExplainParts {
  readonly sources: SweepSources
  readonly checker: Checker
  /** Plans of a text that compiles. */
  readonly plan: (content: string) => RulesetPlan
}

/** A part of the corpus. */
export interface Share {
  readonly samples: number
  readonly bytes: number
}

/** What a hunt with some texts would read, told before it is run. */
export interface Explanation {
  /** All stored and processed samples. */
  readonly corpus: Share
  readonly texts: readonly {
    readonly name: string
    readonly warnings: readonly Diagnostic[]
    /** What would not run of it. */
    readonly leftOut: readonly LeftOut[]
    /** What the engine would read for all rules of the text together. */
    readonly expected: Share
    readonly rules: readonly ExplainedRule[]
  }[]
}

export interface ExplainedRule {
  readonly name: string
  readonly isPrivate: boolean
  /** The plan in words, several indented lines. */
  readonly plan: string
  readonly unindexable: RulePlan['unindexable']
  readonly advice: readonly string[]
  /** What the engine would read for this rule alone. */
  readonly expected: Share
}

/**
 * Asks the index, without scanning anything, what each rule would leave for the engine to read.
 * Fails with `rules.invalid` when a text does not compile; with `partial` only when nothing of any text does.
 */
export async function explain(
  { sources, checker, plan }: ExplainParts,
  given: readonly HuntText[],
  signal: AbortSignal,
  partial = false,
): Promise<Explanation> {
  const checked = await checkTexts(given, checker, partial)
  const texts = checked.map(({ text }) => text)
  const plans = texts.map((text) => plan(runnableOf(text)))
  // Every rule, and every text as a whole, is asked about as if it were a ruleset of its own. Nothing is scanned, so
  // none of them needs a text.
  const whole = (text: number) => `explain.${text}`
  const single = (text: number, rule: number) => `explain.${text}.${rule}`
  const asked = new Map<string, Plan>()
  for (const [text, { plan, rules }] of plans.entries()) {
    asked.set(whole(text), plan)
    for (const [rule, rulePlan] of rules.entries()) asked.set(single(text, rule), rulePlan.plan)
  }
  const rulesets = [...asked].map(([key, plan]) => ({ key: `${key}@${randomUUID()}`, name: key, content: '', plan }))
  const shares = await sharesOf({ id: `explain:${randomUUID()}`, rulesets }, sources, signal)
  const shareOf = (name: string): Share => shares.byName.get(name) ?? { samples: 0, bytes: 0 }
  return {
    corpus: shares.corpus,
    texts: plans.map(({ rules }, text) => ({
      name: texts[text]?.name ?? '',
      warnings: checked[text]?.diagnostics ?? [],
      leftOut: texts[text]?.leftOut ?? [],
      expected: shareOf(whole(text)),
      rules: rules.map((rule, number) => ({
        name: rule.rule,
        isPrivate: rule.isPrivate,
        plan: printPlan(rule.plan),
        unindexable: rule.unindexable,
        advice: rule.advice,
        expected: shareOf(single(text, number)),
      })),
    })),
  }
}

async function sharesOf(
  ruleSet: RuleSet,
  sources: SweepSources,
  signal: AbortSignal,
): Promise<{ readonly corpus: Share; readonly byName: ReadonlyMap<string, Share> }> {
  const { corpus, pool } = sources
  const upTo = await corpus.lastId()
  const sizes = await corpus.sizes(upTo)
  const totals = new Map(ruleSet.rulesets.map(({ key, name }) => [key, { name, samples: 0, bytes: 0 }]))
  pool.setRuleSet(ruleSet)
  try {
    const range = {
      ruleSet,
      after: 0,
      upTo,
      only: null,
      useIndex: true,
      group: ruleSet.id,
      signal,
      priority: 'interactive',
    } as const
    for await (const { sample, rulesets } of suspects(sources, range)) {
      const size = sizes[sample] ?? -1
      // Deleted since it was indexed.
      if (size < 0) continue
      for (const key of rulesets ?? totals.keys()) {
        const total = totals.get(key)
        if (!total) continue
        total.samples++
        total.bytes += size
      }
    }
  } finally {
    pool.dropRuleSet(ruleSet.id)
  }
  return {
    corpus: await corpus.whole(),
    byName: new Map([...totals.values()].map(({ name, samples, bytes }) => [name, { samples, bytes }])),
  }
}
