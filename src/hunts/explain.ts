import { randomUUID } from 'node:crypto'
import type { PlannedRule, PlannedText } from '../planner/index.ts'
import type { CheckedBy, Checker } from '../rulesets/index.ts'
import type { RuleSet } from '../scanning/index.ts'
import type { Diagnostic, LeftOut } from '../yara/index.ts'
import { candidates, type ScanSources } from './corpus-scan.ts'
import { checkTexts, type HuntText, runnableOf } from './hunt-text.ts'

export interface ExplainParts {
  readonly sources: ScanSources
  readonly checker: Checker
  /** Plans a text that compiles, with what there is to show of each rule. */
  readonly plan: (content: string) => Promise<PlannedText>
}

/** A part of the corpus. */
export interface Share {
  readonly samples: number
  readonly bytes: number
}

/** What a hunt with these texts would read, reported before it is run. */
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
    /** Of a text with very many rules, the first: a warning says so. */
    readonly rules: readonly ExplainedRule[]
  }[]
}

export interface ExplainedRule {
  readonly name: string
  readonly isPrivate: boolean
  /** The plan in words, several indented lines. */
  readonly plan: string
  readonly unindexable: PlannedRule['unindexable']
  readonly advice: readonly string[]
  /** What the engine would read for this rule alone. */
  readonly expected: Share
}

/**
 * Asks the index, without scanning anything, what each rule would leave for the engine to read.
 * Fails with `rules.invalid` when a text does not compile; with `partial` only when nothing of any text does. Rejects
 * once the signal is aborted.
 */
export async function explain(
  { sources, checker, plan }: ExplainParts,
  given: readonly HuntText[],
  { partial, ...by }: Required<CheckedBy> & { readonly partial: boolean },
): Promise<Explanation> {
  const { signal } = by
  const checked = await checkTexts(given, checker, partial, by)
  const texts = checked.map(({ text }) => text)
  const plans: PlannedText[] = []
  for (const text of texts) plans.push(await plan(runnableOf(text)))
  // Every plan, of a rule or of a text as a whole, is asked about once, as if it were of a ruleset of its own. Nothing
  // is scanned, so none of them needs a text.
  const asked = new Set(plans.flatMap(({ plan, explained }) => [plan, ...explained.map(({ plan }) => plan)]))
  const rulesets = [...asked].map((plan, number) => ({
    key: `explain.${number}@${randomUUID()}`,
    name: plan,
    content: '',
    plan,
  }))
  const shares = await sharesOf({ id: `explain:${randomUUID()}`, rulesets }, sources, signal)
  const shareOf = (plan: string): Share => shares.byPlan.get(plan) ?? { samples: 0, bytes: 0 }
  return {
    corpus: shares.corpus,
    texts: plans.map(({ plan, explained, warnings: unplanned }, text) => ({
      name: texts[text]?.name ?? '',
      warnings: [...(checked[text]?.diagnostics ?? []), ...unplanned],
      leftOut: texts[text]?.leftOut ?? [],
      expected: shareOf(plan),
      rules: explained.map((rule) => ({
        name: rule.rule,
        isPrivate: rule.isPrivate,
        plan: rule.printed,
        unindexable: rule.unindexable,
        advice: rule.advice,
        expected: shareOf(rule.plan),
      })),
    })),
  }
}

async function sharesOf(
  ruleSet: RuleSet,
  sources: ScanSources,
  signal: AbortSignal,
): Promise<{ readonly corpus: Share; readonly byPlan: ReadonlyMap<string, Share> }> {
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
    for await (const { sample, rulesets } of candidates(sources, range)) {
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
    byPlan: new Map([...totals.values()].map(({ name, samples, bytes }) => [name, { samples, bytes }])),
  }
}
