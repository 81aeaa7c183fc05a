/**
 * What segments have answered before: which of their samples a plan cannot rule out. Neither a segment nor a plan ever changes,
 * so an answer holds for good. Hunts with rules that were hunted with before, such as Local Retro, ask for the others only.
 */
import { LRUCache } from 'lru-cache'
import { planDigest, type RunnableRuleset, type TaskOutput } from '../scanning/index.ts'

type Candidates = TaskOutput<'evaluate'>['candidates'][number]

const MOST_BYTES = 64 * 1024 ** 2
/** What an answer takes beside its ids, roughly. */
const ANSWER_BYTES = 64
/** A longer answer is soon given: it is mostly all samples. */
const MOST_IDS = 8_192

interface AnswersOfSegment {
  bytes: number
  /** By the digest of the plan; null for none. */
  readonly byPlan: Map<string, Omit<Candidates, 'ruleset'> | null>
}

export interface Known {
  readonly candidates: readonly Candidates[]
  /** Those that the segment has to be asked with. */
  readonly unknown: readonly RunnableRuleset[]
}

export class KnownCandidates {
  readonly #answers = new LRUCache<string, AnswersOfSegment>({
    maxSize: MOST_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  })

  /** `segment` is the name of its file. */
  of(segment: string, rulesets: readonly RunnableRuleset[]): Known {
    const answers = this.#answers.get(segment)
    if (answers === undefined) return { candidates: [], unknown: rulesets }
    const candidates: Candidates[] = []
    const unknown: RunnableRuleset[] = []
    for (const ruleset of rulesets) {
      const answer = answers.byPlan.get(planDigest(ruleset))
      if (answer === undefined) unknown.push(ruleset)
      else if (answer !== null) candidates.push({ ruleset: ruleset.key, ...answer })
    }
    return { candidates, unknown }
  }

  /** What a segment has answered when it was asked about all of its samples. */
  add(segment: string, rulesets: readonly RunnableRuleset[], candidates: readonly Candidates[]): void {
    const answers = this.#answers.get(segment) ?? { bytes: ANSWER_BYTES, byPlan: new Map() }
    const found = new Map(candidates.map((answer) => [answer.ruleset, answer]))
    for (const ruleset of rulesets) {
      const { samples, asksForNames } = found.get(ruleset.key) ?? NONE
      const digest = planDigest(ruleset)
      if (samples.length > MOST_IDS || answers.byPlan.has(digest)) continue
      answers.byPlan.set(digest, samples.length === 0 ? null : { samples, asksForNames })
      answers.bytes += ANSWER_BYTES + samples.byteLength
    }
    // Anew, since it has another size now.
    this.#answers.delete(segment)
    this.#answers.set(segment, answers)
  }
}

const NONE = { samples: new Uint32Array(), asksForNames: false }
