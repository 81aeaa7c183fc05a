import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { Failure } from '../errors/index.ts'
import { type Classification, listOf, type RuleSummary, type Schema, type Transaction } from '../store/index.ts'
import { platformsOfTypes, type Verdict, verdictOf } from './verdict.ts'

/**
 * A sample's classification: its user's word where there is one, else the gravest verdict of the rules that match it
 * (malicious before suspicious, then the higher risk), else unknown. It is stored on the sample, and whatever changes
 * matches or verdicts calls `reclassify` in the same transaction.
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

/** Statements over this many rows at a time let the server answer other requests in between. */
const ROWS_AT_ONCE = 2_000

/**
 * Sets or, with null, takes back a user's own classification. `parameter.out-of-range` for a risk score that does not
 * go with it.
 */
export async function classifyByUser(trx: Transaction, sampleId: number, own: OwnClassification | null): Promise<void> {
  const range = own ? risks[own.classification] : null
  const riskScore = own ? (own.riskScore ?? risks[own.classification].usual) : null
  if (range && riskScore !== null && !(riskScore >= range.lowest && riskScore <= range.highest)) {
    throw new Failure(
      'parameter.out-of-range',
      `Parameter not in expected range: this classification takes a risk score from ${range.lowest} to ${range.highest}.`,
    )
  }
  await trx
    .updateTable('samples')
    .set({
      user_classification: own?.classification ?? null,
      user_risk_score: riskScore,
      user_threat_name: own?.threatName ?? null,
    })
    .where('id', '=', sampleId)
    .execute()
  await reclassify(trx, [sampleId])
}

/** Brings the classification of these samples up to date with their matches and their user's word. */
export async function reclassify(trx: Transaction, sampleIds: readonly number[]): Promise<void> {
  for (let from = 0; from < sampleIds.length; from += ROWS_AT_ONCE) {
    if (from > 0) await setImmediate()
    await reclassification(sampleIds.slice(from, from + ROWS_AT_ONCE)).execute(trx)
  }
}

const platformOfType = sql.raw(
  `CASE ${platformsOfTypes
    .map(([prefix, platform]) => `WHEN samples.file_type LIKE '${prefix}%' THEN '${platform}'`)
    .join(' ')} ELSE 'Binary' END`,
)

/** The statement behind `reclassify`. */
export function reclassification(sampleIds: readonly number[]): RawBuilder<unknown> {
  // CROSS JOIN fixes the order: from the few samples to their matches, never from the verdicts to all their matches.
  return sql`
    WITH chosen AS MATERIALIZED (SELECT value AS id FROM json_each(${JSON.stringify(sampleIds)})),
    ranked AS (
      SELECT matches.sample_id, verdicts.classification, verdicts.risk_score, verdicts.platform, verdicts.threat,
        row_number() OVER (
          PARTITION BY matches.sample_id
          ORDER BY verdicts.classification DESC, verdicts.risk_score DESC, verdicts.ruleset_id, verdicts.rule
        ) AS place
      FROM chosen
      CROSS JOIN matches ON matches.sample_id = chosen.id
      CROSS JOIN verdicts ON verdicts.ruleset_id = matches.ruleset_id AND verdicts.rule = matches.rule
    ),
    gravest AS MATERIALIZED (SELECT * FROM ranked WHERE place = 1),
    due AS (
      SELECT samples.id,
        coalesce(samples.user_classification, gravest.classification, 0) AS classification,
        iif(samples.user_classification IS NULL, gravest.risk_score, samples.user_risk_score) AS risk_score,
        iif(samples.user_classification IS NULL,
          coalesce(gravest.platform, ${platformOfType}) || '.' || gravest.threat,
          samples.user_threat_name) AS threat_name,
        CASE WHEN samples.user_classification IS NOT NULL THEN 'user'
             WHEN gravest.sample_id IS NOT NULL THEN 'rules' END AS origin
      FROM chosen
      CROSS JOIN samples ON samples.id = chosen.id
      LEFT JOIN gravest ON gravest.sample_id = samples.id
    )
    UPDATE samples SET
      classification = due.classification,
      risk_score = due.risk_score,
      threat_name = due.threat_name,
      classification_origin = due.origin
    FROM due
    WHERE samples.id = due.id
      AND (samples.classification, samples.risk_score, samples.threat_name, samples.classification_origin)
        IS NOT (due.classification, due.risk_score, due.threat_name, due.origin)
  `
}

/**
 * Puts a ruleset's new rules in place of its old ones. Matches of rules whose fingerprint is the same stay; the others
 * go, and with them what they said about their samples. Call it with no rules `after` before a ruleset is removed.
 */
export async function replaceRules(
  trx: Transaction,
  rulesetId: number,
  before: readonly RuleSummary[],
  after: readonly RuleSummary[],
): Promise<void> {
  const fingerprints = new Map(after.map((rule) => [rule.name, rule.fingerprint]))
  const gone = before.filter((rule) => fingerprints.get(rule.name) !== rule.fingerprint).map((rule) => rule.name)
  const verdicts = after.flatMap((rule) => verdictOf(rule) ?? [])
  const touched = await samplesWithOtherVerdicts(trx, rulesetId, gone, verdicts)

  const all = trx.selectFrom('matches').select('id').where('ruleset_id', '=', rulesetId)
  if (gone.length === before.length) {
    // The counts go first, which spares counting down.
    await trx.deleteFrom('ruleset_counts').where('ruleset_id', '=', rulesetId).execute()
    await deleteMatches(trx, all)
  } else if (gone.length > 0) {
    await deleteMatches(trx, all.where('rule', 'in', listOf<string>(gone)))
  }
  await sql`UPDATE rulesets SET last_matched = NULL
    WHERE id = ${rulesetId} AND NOT EXISTS (SELECT 1 FROM matches WHERE ruleset_id = ${rulesetId})`.execute(trx)
  await trx.deleteFrom('verdicts').where('ruleset_id', '=', rulesetId).execute()
  for (const { rule, classification, riskScore, platform, threat } of verdicts) {
    await trx
      .insertInto('verdicts')
      .values({ ruleset_id: rulesetId, rule, classification, risk_score: riskScore, platform, threat })
      .execute()
  }
  await reclassify(trx, touched)
}

async function deleteMatches(trx: Transaction, matches: SelectQueryBuilder<Schema, 'matches', { id: number }>) {
  const ids = (await matches.execute()).map((row) => row.id)
  for (let from = 0; from < ids.length; from += ROWS_AT_ONCE) {
    if (from > 0) await setImmediate()
    const part = ids.slice(from, from + ROWS_AT_ONCE)
    await trx.deleteFrom('matches').where('id', 'in', listOf(part)).execute()
  }
}

/** Samples that a rule of the ruleset matches whose verdict goes, comes or changes. */
async function samplesWithOtherVerdicts(
  trx: Transaction,
  rulesetId: number,
  gone: readonly string[],
  verdicts: readonly Verdict[],
): Promise<number[]> {
  const rows = await trx.selectFrom('verdicts').selectAll().where('ruleset_id', '=', rulesetId).execute()
  const stored = new Map(
    rows.map((row) => [row.rule, JSON.stringify([row.classification, row.risk_score, row.platform, row.threat])]),
  )
  const current = new Map(
    verdicts.map((verdict) => [
      verdict.rule,
      JSON.stringify([verdict.classification, verdict.riskScore, verdict.platform, verdict.threat]),
    ]),
  )
  const rules = [...new Set([...stored.keys(), ...current.keys()])].filter(
    (rule) => stored.get(rule) !== current.get(rule) || gone.includes(rule),
  )
  if (rules.length === 0) return []
  const samples = await trx
    .selectFrom('matches')
    .select('sample_id')
    .distinct()
    .where('ruleset_id', '=', rulesetId)
    .where('rule', 'in', listOf<string>(rules))
    .execute()
  return samples.map((row) => row.sample_id)
}
