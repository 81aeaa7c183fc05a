import { randomUUID } from 'node:crypto'
import { candidates, type Question, type ScanSources } from './corpus-scan.ts'

/** A part of the corpus. */
export interface Share {
  readonly samples: number
  readonly bytes: number
}

/** The samples of an estimate, and the signal that cancels it. */
export type SharesOf = Pick<Question, 'upTo' | 'only' | 'useIndex' | 'signal'>

/** A sample that the index cannot rule out for some of the plans. */
interface Claimed {
  readonly bytes: number
  /** Positions of the plans; null: of all. */
  readonly by: readonly number[] | null
}

/**
 * The samples that the index leaves for any of the plans (as `writePlan` writes them), without anything being scanned. Each
 * plan is asked about as if it were of a ruleset of its own; none of them needs a text.
 */
export async function* claimedBy(
  plans: readonly string[],
  sources: ScanSources,
  { upTo, only, useIndex, signal }: SharesOf,
): AsyncGenerator<Claimed> {
  const { corpus, pool } = sources
  const rulesets = plans.map((plan, n) => ({ key: `share.${n}@${randomUUID()}`, name: String(n), content: '', plan }))
  const positions = new Map(rulesets.map(({ key }, n) => [key, n]))
  const ruleSet = { id: `shares:${randomUUID()}`, rulesets }
  const sizes = await corpus.sizes(upTo)
  const range = { ruleSet, after: 0, upTo, only, useIndex, group: ruleSet.id, signal, priority: 'interactive' } as const
  pool.setRuleSet(ruleSet)
  try {
    for await (const { sample, rulesets } of candidates(sources, range)) {
      const bytes = sizes[sample] ?? -1
      // Deleted since it was indexed.
      if (bytes < 0) continue
      yield { bytes, by: rulesets?.flatMap((key) => positions.get(key) ?? []) ?? null }
    }
  } finally {
    pool.dropRuleSet(ruleSet.id)
  }
}

/** What the index leaves for each plan by itself, and for all of them together. */
export async function shareOfEach(
  plans: Iterable<string>,
  sources: ScanSources,
  of: SharesOf,
): Promise<{ readonly shareOf: (plan: string) => Share; readonly whole: Share }> {
  const asked = [...new Set(plans)]
  const shares = asked.map(() => ({ samples: 0, bytes: 0 }))
  const whole = { samples: 0, bytes: 0 }
  for await (const { bytes, by } of claimedBy(asked, sources, of)) {
    whole.samples++
    whole.bytes += bytes
    for (const position of by ?? shares.keys()) {
      const share = shares[position]
      if (!share) continue
      share.samples++
      share.bytes += bytes
    }
  }
  const byPlan = new Map(asked.map((plan, n) => [plan, shares[n]]))
  return { shareOf: (plan) => byPlan.get(plan) ?? { samples: 0, bytes: 0 }, whole }
}
