/**
 * A hunt that may read no more than its user says. What it would read is asked of the index before it starts; a hunt above
 * the bound is refused with the rules that cost it, or runs without the costliest of them.
 *
 *     rules by what each reads alone       a  b  c  d        bound
 *     read by these together               0  2  3 ▏41 GB    10 GB: d is left out
 *
 * What several rules need is read once, so each sample is put down to the cheapest rule that asks for it.
 */
import { bytesInWords, Failure } from '../errors/index.ts'
import type { PlannedText, WeakestDemand } from '../planner/index.ts'
import type { CheckedBy, Checker } from '../rulesets/index.ts'
import type { WithoutRules } from '../scanning/index.ts'
import type { ScanSources } from './corpus-scan.ts'
import { checkTogether, type HuntText, runnableOf, wholeLeftOut } from './hunt-text.ts'
import { claimedBy, type Share, type SharesOf, shareOfEach } from './shares.ts'

export interface ReadingBound {
  readonly bytes: number
  /** What becomes of a hunt above it. */
  readonly costly: 'refuse' | 'leave-out'
}

export interface ReadingBoundParts {
  readonly sources: ScanSources
  /** Plans a text that compiles, with what each of its rules demands. */
  readonly planCosts: (content: string, by: CheckedBy) => Promise<Pick<PlannedText, 'plan' | 'costs'>>
  /** Checks a text that compiles without some of its rules. */
  readonly checkWithout: (content: string, without: WithoutRules, by: CheckedBy) => ReturnType<Checker['check']>
}

/** A rule, or a text of which no single rules are known, and what it reads. */
interface Cost {
  readonly text: number
  /** Null for the text as a whole. */
  readonly rule: string | null
  readonly plan: string
  readonly weakest: WeakestDemand
  readonly reads: Share
}

/** Costly rules that a refusal lists. */
const MOST_LISTED = 20

/**
 * The texts as they run within the bound. Fails with `hunt.reads-too-much`, and the costliest rules in its detail, where
 * that is asked for, and where nothing would be left.
 */
export async function withinBound(
  texts: readonly HuntText[],
  bound: ReadingBound,
  of: SharesOf,
  parts: ReadingBoundParts,
  by: CheckedBy,
): Promise<readonly HuntText[]> {
  const { costs, whole } = await costsOf(texts, of, parts, by)
  if (whole.bytes <= bound.bytes) return texts
  const kept = await keptWithin(bound.bytes, costs, of, parts.sources)
  const costly = costs.slice(kept)
  if (bound.costly === 'refuse' || kept === 0) throw refusal(texts, costly, whole, bound)
  const rest = await leaveOut(texts, costs, costly, bound, parts, by)
  if (rest.every(({ leftOut = [] }) => leftOut.some(({ kind }) => kind === 'text')))
    throw refusal(texts, costly, whole, bound)
  return rest
}

/** What each rule reads by itself, cheapest first, and what all of them do together. */
async function costsOf(
  texts: readonly HuntText[],
  of: SharesOf,
  { sources, planCosts }: ReadingBoundParts,
  by: CheckedBy,
): Promise<{ readonly costs: readonly Cost[]; readonly whole: Share }> {
  const found: Omit<Cost, 'reads'>[] = []
  // One after the other: somebody else's check or plan comes between them.
  for (const [text, one] of texts.entries()) {
    const { plan, costs } = await planCosts(runnableOf(one), by)
    const whole = { text, rule: null, plan, weakest: { line: 1, column: 1, term: '' } }
    // Private rules are never reported: what they demand is read for those that use them.
    found.push(...(costs?.filter(({ isPrivate }) => !isPrivate).map((cost) => ({ ...cost, text })) ?? [whole]))
  }
  const { shareOf, whole } = await shareOfEach(
    found.map(({ plan }) => plan),
    sources,
    of,
  )
  const costs = found.map((one) => ({ ...one, reads: shareOf(one.plan) }))
  return { costs: costs.sort((one, other) => one.reads.bytes - other.reads.bytes), whole }
}

/** How many of the costs, from the cheapest on, read no more than that together. */
async function keptWithin(most: number, costs: readonly Cost[], of: SharesOf, sources: ScanSources): Promise<number> {
  const plans = [...new Set(costs.map(({ plan }) => plan))]
  const charged = plans.map(() => 0)
  for await (const { bytes, by } of claimedBy(plans, sources, of)) {
    const cheapest = by === null ? 0 : by.reduce((least, position) => Math.min(least, position), plans.length)
    charged[cheapest] = (charged[cheapest] ?? 0) + bytes
  }
  let sum = 0
  const past = plans.findIndex((_, position) => {
    sum += charged[position] ?? 0
    return sum > most
  })
  const firstCostly = plans[past]
  return firstCostly === undefined ? costs.length : costs.findIndex(({ plan }) => plan === firstCostly)
}

async function leaveOut(
  texts: readonly HuntText[],
  costs: readonly Cost[],
  costly: readonly Cost[],
  bound: ReadingBound,
  { checkWithout }: ReadingBoundParts,
  by: CheckedBy,
): Promise<HuntText[]> {
  const isCostly = new Set(costly)
  return checkTogether([...texts.entries()], async ([n, text]) => {
    const all = costs.filter((cost) => cost.text === n)
    const out = all.filter((cost) => isCostly.has(cost))
    if (out.length === 0) return text
    if (out.length === all.length) return { ...text, leftOut: [wholeLeftOut(text, reasonFor(out[0] as Cost, bound))] }
    const rules = out.map((cost) => ({ name: cost.rule ?? '', reason: reasonFor(cost, bound) }))
    const { content, leftOut = [] } = text
    const answer = await checkWithout(content, { leftOut, rules }, by)
    const leftWithout = answer.leftOut ?? []
    return {
      ...text,
      leftOut: answer.valid
        ? leftWithout
        : [wholeLeftOut(text, 'nothing runs without the rules that would read too much')],
    }
  })
}

function reasonFor({ reads, weakest }: Cost, { bytes }: ReadingBound): string {
  return `it would read ${bytesInWords(reads.bytes)} of samples${becauseOf(weakest)}; the hunt may read ${bytesInWords(bytes)}`
}

function becauseOf({ term, line }: WeakestDemand): string {
  return term === '' ? '' : ` for ${term} in line ${line}`
}

function refusal(texts: readonly HuntText[], costly: readonly Cost[], whole: Share, bound: ReadingBound): Failure {
  const listed = costly.slice(-MOST_LISTED).reverse()
  const rules = listed.map(({ text, rule, weakest, reads }) => ({
    text: texts[text]?.name ?? '',
    rule,
    ...weakest,
    expected: reads,
  }))
  const [first] = rules
  const most = first
    ? ` Most of it is ${bytesInWords(first.expected.bytes)} for ${first.rule === null ? `the text ${first.text}` : `the rule ${first.rule} of ${first.text}`}${becauseOf(first)}.`
    : ''
  const wayOut =
    bound.costly === 'refuse'
      ? 'Raise that bound, or have the costliest rules left out.'
      : 'No rule reads so little: raise that bound.'
  const message = `The hunt would read ${bytesInWords(whole.bytes)} of samples, and may read ${bytesInWords(bound.bytes)}.${most} ${wayOut}`
  return new Failure('hunt.reads-too-much', message, {
    expected: whole,
    most_read: bound.bytes,
    rules,
    count: costly.length,
  })
}
