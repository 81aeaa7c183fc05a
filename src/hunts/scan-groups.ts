/**
 * Which rules are scanned with together.
 *
 * One scan with thirty rules costs about what eight scans with one cost, and compiling them costs as much together as one
 * by one. So rules whose candidates are the same samples belong together, and a rule that every sample is a candidate of
 * must not drag along those that have few:
 *
 *     candidates of a rule             groups
 *     at least a quarter               one
 *     fewer, at least a sixteenth      of up to 32 rules, those with the same samples side by side
 *     fewer than a sixteenth           the same
 *     none                             in none: they are not even compiled
 */
import type { Candidate } from './candidates.ts'

/** Fewer rulesets are compiled as they come: all of them are soon needed by some sample. */
const FEWEST_ARRANGED = 300
const TOGETHER = 32
const TIERS = 3

/** The groups, by key, for these candidates; null where grouping is not worth it. Without candidates, no groups. */
export function groupsByCandidates(
  candidates: readonly Candidate[],
  rulesets: readonly { readonly key: string }[],
): readonly (readonly string[])[] | null {
  if (rulesets.length < FEWEST_ARRANGED) return null
  const wanted = new Map<string, { count: number; first: number; second: number }>()
  let plain = 0
  for (const { sample, rulesets } of candidates) {
    if (rulesets === null) plain++
    // Of rules with the same samples, the least of the scrambled numbers are the same.
    const first = Math.imul(sample, 0x9e3779b1) >>> 0
    const second = Math.imul(sample ^ 0x5bd1e995, 0x85ebca6b) >>> 0
    for (const key of rulesets ?? []) {
      const known = wanted.get(key)
      if (known === undefined) wanted.set(key, { count: 1, first, second })
      else {
        known.count++
        known.first = Math.min(known.first, first)
        known.second = Math.min(known.second, second)
      }
    }
  }
  // Where many samples are scanned with everything, so are all rules.
  if (plain > candidates.length / 4) return null
  const tierOf = (count: number) =>
    Math.min(TIERS, Math.max(1, Math.ceil(Math.log(candidates.length / count) / Math.log(4))))
  const entries = [...wanted].map(([key, { count, first, second }]) => ({ key, tier: tierOf(count), first, second }))
  entries.sort((a, b) => a.tier - b.tier || a.first - b.first || a.second - b.second)
  return [...Map.groupBy(entries, ({ tier }) => tier)].flatMap(([tier, some]) =>
    inGroups(
      some.map(({ key }) => key),
      tier <= 1 ? some.length : TOGETHER,
    ),
  )
}

function inGroups(keys: readonly string[], size: number): string[][] {
  const groups: string[][] = []
  for (let start = 0; start < keys.length; start += size) groups.push(keys.slice(start, start + size))
  return groups
}
