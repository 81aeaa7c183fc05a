/** A sample that has to be scanned, with the rulesets that remain for it; null: all of the set. */
export interface Candidate {
  readonly sample: number
  readonly rulesets: readonly string[] | null
}

/**
 * Turns "candidates by ruleset" around to "rulesets by sample", ascending by sample.
 *
 * @param answers for each ruleset the ids that its plans could not rule out; a ruleset may be there several times
 * @param plain ids that have to be scanned with everything; they may overlap each other and the candidates
 */
export function groupCandidatesBySample(
  answers: readonly { readonly ruleset: string; readonly samples: Uint32Array }[],
  plain: readonly Uint32Array[],
): Candidate[] {
  const keys = [...new Set(answers.map(({ ruleset }) => ruleset))].sort()
  const numbers = new Map(keys.map((key, number) => [key, number]))
  const total = answers.reduce((sum, { samples }) => sum + samples.length, 0)
  // One number a pair, so that millions of pairs are sorted without an object each. Both factors fit: ids are 32 bits
  // wide, and there are far fewer than 2^21 rulesets.
  const pairs = new Float64Array(total)
  let filled = 0
  for (const { ruleset, samples } of answers) {
    const number = numbers.get(ruleset) as number
    for (const id of samples) pairs[filled++] = id * keys.length + number
  }
  pairs.sort()

  const everything = new Set<number>()
  for (const ids of plain) for (const id of ids) everything.add(id)
  const candidates: Candidate[] = [...everything].map((sample) => ({ sample, rulesets: null }))
  let current = -1
  let rulesets: string[] = []
  let previous = -1
  for (const pair of pairs) {
    if (pair === previous) continue
    previous = pair
    const sample = Math.floor(pair / keys.length)
    if (everything.has(sample)) continue
    if (sample !== current) {
      current = sample
      rulesets = []
      candidates.push({ sample, rulesets })
    }
    rulesets.push(keys[pair % keys.length] as string)
  }
  return everything.size > 0 ? candidates.sort((a, b) => a.sample - b.sample) : candidates
}
