/**
 * Which samples were scanned with a text in vain. Neither a sound content nor a text ever changes, so that holds until a damaged
 * content is found: a hunt with rules that were hunted with before, such as Local Retro, scans what matched and what is new.
 */
import { LRUCache } from 'lru-cache'
import { memoized } from '../planner/index.ts'
import { asksForNames, matchKey, type RuleSet, type RunnableRuleset, type TaskOutput } from '../scanning/index.ts'

/** Pairs of a text and a sample that are kept, with some of them for each text; a pair takes about 40 bytes. */
const MOST_PAIRS = 1_000_000
const PAIRS_OF_TEXT = 10
/** A text that more samples are scanned with in vain is not kept. */
const MOST_SAMPLES = 65_536

type Answer = TaskOutput<'evaluate'>['candidates'][number]
type Results = TaskOutput<'verify'>['results']

export class KnownMisses {
  readonly #samples = new LRUCache<string, Set<number>>({
    maxSize: MOST_PAIRS,
    sizeCalculation: ({ size }) => size + PAIRS_OF_TEXT,
  })

  /** The answers of a segment without what was scanned in vain. */
  left(ruleSet: RuleSet, answers: readonly Answer[]): readonly Answer[] {
    return answers.flatMap((answer) => {
      const ruleset = byKey(ruleSet).get(answer.ruleset)
      const missed = ruleset && this.#samples.get(matchKey(ruleset))
      if (missed === undefined) return [answer]
      const samples = answer.samples.filter((id) => !missed.has(id))
      return samples.length === 0 ? [] : [{ ...answer, samples }]
    })
  }

  /** What became of scans: `asked` are the samples with the keys of the rulesets of the set that each was scanned with. */
  add(
    ruleSet: RuleSet,
    asked: readonly { readonly sample: number; readonly rulesets: readonly string[] | null }[],
    results: Results,
  ): void {
    const found = new Map(results.map(({ sample, hits, errors }) => [sample, { hits, errors }]))
    const missed = new Map<string, number[]>()
    for (const { sample, rulesets: keys } of asked) {
      const result = found.get(sample)
      // With all of the set: nothing is known of that sample, or it is a scan to compare with.
      if (keys === null || result === undefined || result.errors.length > 0) continue
      const matched = new Set(result.hits.map(({ ruleset }) => ruleset))
      for (const key of keys) if (!matched.has(key)) listOf(missed, key).push(sample)
    }
    for (const [key, samples] of missed) {
      const ruleset = byKey(ruleSet).get(key)
      if (ruleset !== undefined && !asksForMore(ruleset)) this.#keep(matchKey(ruleset), samples)
    }
  }

  /** A content was damaged when it was scanned, and may come back as it was. */
  clear(): void {
    this.#samples.clear()
  }

  #keep(text: string, samples: readonly number[]): void {
    const all = this.#samples.get(text) ?? new Set()
    for (const sample of samples) all.add(sample)
    // Anew, since it has another size now.
    this.#samples.delete(text)
    if (all.size <= MOST_SAMPLES) this.#samples.set(text, all)
  }
}

const byKey = memoized(({ rulesets }: RuleSet) => new Map(rulesets.map((ruleset) => [ruleset.key, ruleset])))

/** Whether a text may ask for more than the content: by its words, so that some are not kept that could be. */
const asksForMore = memoized(
  (ruleset: RunnableRuleset) => asksForNames(ruleset) || /\b(?:filetype|time)\b/.test(ruleset.content),
)

function listOf(lists: Map<string, number[]>, key: string): number[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}
