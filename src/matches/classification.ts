import { Failure } from '../errors/index.ts'
import type { Classification, RuleSummary, UnitOfWork, Verdict } from '../store/index.ts'
import { verdictOf } from './verdict.ts'

/**
 * A sample's classification: its user's word where there is one, else the gravest verdict of the rules that match it, else
 * unknown (`StoredClassifications`). It is stored on the sample, and whatever changes matches or verdicts brings it up to
 * date in the same unit of work.
 */

/** A user's own verdict on a sample. Null risk scores and names are filled in. */
export interface OwnClassification {
  readonly classification: 1 | 2 | 3
  readonly riskScore: number | null
  readonly threatName: string | null
}

/** What a user may say: goodware 0 to 5, the others 6 to 10. */
const risks = {
  1: { lowest: 0, highest: 5, usual: 0 },
  2: { lowest: 6, highest: 10, usual: 6 },
  3: { lowest: 6, highest: 10, usual: 10 },
} as const satisfies Partial<Record<Classification, object>>

/**
 * Sets or, with null, takes back a user's own classification. `parameter.out-of-range` for a risk score that does not
 * go with it.
 */
export async function classifyByUser(
  { classifications }: UnitOfWork,
  sampleId: number,
  own: OwnClassification | null,
): Promise<void> {
  const range = own ? risks[own.classification] : null
  const riskScore = own ? (own.riskScore ?? risks[own.classification].usual) : null
  if (range && riskScore !== null && !(riskScore >= range.lowest && riskScore <= range.highest)) {
    throw new Failure(
      'parameter.out-of-range',
      `Parameter not in expected range: this classification takes a risk score from ${range.lowest} to ${range.highest}.`,
    )
  }
  await classifications.setUserClassification(sampleId, own && { ...own, riskScore })
  await classifications.update([sampleId])
}

/**
 * Puts a ruleset's new rules in place of its old ones. Matches of rules whose fingerprint is the same stay; the others
 * go, and with them what they said about their samples. Call it with no rules `after` before a ruleset is removed.
 */
export async function replaceRules(
  tx: UnitOfWork,
  rulesetId: number,
  before: readonly RuleSummary[],
  after: readonly RuleSummary[],
): Promise<void> {
  const { matches, classifications, rulesets } = tx
  const fingerprints = new Map(after.map((rule) => [rule.name, rule.fingerprint]))
  const gone = before.filter((rule) => fingerprints.get(rule.name) !== rule.fingerprint).map((rule) => rule.name)
  const verdicts = after.flatMap((rule) => verdictOf(rule) ?? [])
  const touched = await samplesWithOtherVerdicts(tx, rulesetId, gone, verdicts)
  if (gone.length === before.length) await matches.deleteOfRules(rulesetId, 'all')
  else if (gone.length > 0) await matches.deleteOfRules(rulesetId, gone)
  await rulesets.forgetLastMatched(rulesetId)
  await classifications.replaceVerdicts(rulesetId, verdicts)
  await classifications.update(touched)
}

/** Samples that a rule of the ruleset matches whose verdict goes, comes or changes. */
async function samplesWithOtherVerdicts(
  { matches, classifications }: UnitOfWork,
  rulesetId: number,
  gone: readonly string[],
  verdicts: readonly Verdict[],
): Promise<number[]> {
  const stored = byRule(await classifications.verdictsOf(rulesetId))
  const current = byRule(verdicts)
  const rules = [...new Set([...stored.keys(), ...current.keys()])].filter(
    (rule) => stored.get(rule) !== current.get(rule) || gone.includes(rule),
  )
  return rules.length === 0 ? [] : matches.samplesOfRules(rulesetId, rules)
}

function byRule(verdicts: readonly Verdict[]): Map<string, string> {
  return new Map(
    verdicts.map(({ rule, classification, riskScore, platform, threat }) => [
      rule,
      JSON.stringify([classification, riskScore, platform, threat]),
    ]),
  )
}
