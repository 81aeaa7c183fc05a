import type { PlannedRule, PlannedText, WeakestDemand } from '../planner/index.ts'
import type { CheckedBy, Checker } from '../rulesets/index.ts'
import type { Diagnostic, LeftOut } from '../yara/index.ts'
import type { ScanSources } from './corpus-scan.ts'
import { checkTexts, type HuntText, runnableOf } from './hunt-text.ts'
import type { Selection } from './selection.ts'
import { type Share, shareOfEach } from './shares.ts'

export interface ExplainParts {
  readonly sources: ScanSources
  readonly checker: Checker
  /** Plans a text that compiles, with what there is to show of each rule. */
  readonly plan: (content: string) => Promise<PlannedText>
}

/** What a hunt with these texts would read, reported before it is run. */
export interface Explanation {
  /** The stored and processed samples that are asked about. */
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
  /** Where in the text it lets through what it reads. */
  readonly weakest: WeakestDemand
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
  { partial, selection, ...by }: Required<CheckedBy> & { readonly partial: boolean; readonly selection: Selection },
): Promise<Explanation> {
  const { signal } = by
  const checked = await checkTexts(given, checker, partial, by)
  const texts = checked.map(({ text }) => text)
  const plans: PlannedText[] = []
  for (const text of texts) plans.push(await plan(runnableOf(text)))
  const { corpus } = sources
  const upTo = await corpus.lastId()
  const only = await corpus.select(selection, upTo)
  // Every plan, of a rule or of a text as a whole, is asked about once.
  const all = plans.flatMap(({ plan, explained }) => [plan, ...explained.map(({ plan }) => plan)])
  const { shareOf } = await shareOfEach(all, sources, { upTo, only, useIndex: true, signal })
  return {
    corpus: await corpus.measureOf(only, upTo),
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
        weakest: rule.weakest,
        expected: shareOf(rule.plan),
      })),
    })),
  }
}
