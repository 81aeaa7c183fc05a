import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { platformsOfTypes, type StoredClassifications } from '../classifications.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

/** Statements over this many rows at a time let the server answer other requests in between. */
const ROWS_AT_ONCE = 2_000

export function sqlClassifications(database: Database, engine: Engine): StoredClassifications {
  return {
    async verdictsOf(rulesetId) {
      return database
        .selectFrom('verdicts')
        .select(['rule', 'classification', 'risk_score as riskScore', 'platform', 'threat'])
        .where('ruleset_id', '=', rulesetId)
        .execute()
    },

    async replaceVerdicts(rulesetId, verdicts) {
      await database.deleteFrom('verdicts').where('ruleset_id', '=', rulesetId).execute()
      for (const { rule, classification, riskScore, platform, threat } of verdicts) {
        await database
          .insertInto('verdicts')
          .values({ ruleset_id: rulesetId, rule, classification, risk_score: riskScore, platform, threat })
          .execute()
      }
    },

    async setUserClassification(sampleId, own) {
      await database
        .updateTable('samples')
        .set({
          user_classification: own?.classification ?? null,
          user_risk_score: own?.riskScore ?? null,
          user_threat_name: own?.threatName ?? null,
        })
        .where('id', '=', sampleId)
        .execute()
    },

    async update(sampleIds) {
      for (let from = 0; from < sampleIds.length; from += ROWS_AT_ONCE) {
        if (from > 0) await setImmediate()
        await classificationUpdate(engine, sampleIds.slice(from, from + ROWS_AT_ONCE)).execute(database)
      }
    },
  }
}

const platformOfType = sql.raw(
  `CASE ${platformsOfTypes
    .map(([prefix, platform]) => `WHEN samples.file_type LIKE '${prefix}%' THEN '${platform}'`)
    .join(' ')} ELSE 'Binary' END`,
)

/** The statement behind `update`. */
export function classificationUpdate(
  { listOf, joinInOrder }: Engine,
  sampleIds: readonly number[],
): RawBuilder<unknown> {
  // The order matters: from the few samples to their matches, never from the verdicts to all their matches.
  return sql`
    WITH chosen AS MATERIALIZED (SELECT value AS id FROM ${listOf(sampleIds)} AS listed),
    ranked AS (
      SELECT matches.sample_id, verdicts.classification, verdicts.risk_score, verdicts.platform, verdicts.threat,
        row_number() OVER (
          PARTITION BY matches.sample_id
          ORDER BY verdicts.classification DESC, verdicts.risk_score DESC, verdicts.ruleset_id, verdicts.rule
        ) AS place
      FROM chosen
      ${joinInOrder} matches ON matches.sample_id = chosen.id
      ${joinInOrder} verdicts ON verdicts.ruleset_id = matches.ruleset_id AND verdicts.rule = matches.rule
    ),
    gravest AS MATERIALIZED (SELECT * FROM ranked WHERE place = 1),
    due AS (
      SELECT samples.id,
        coalesce(samples.user_classification, gravest.classification, 0) AS classification,
        CASE WHEN samples.user_classification IS NULL THEN gravest.risk_score ELSE samples.user_risk_score END
          AS risk_score,
        CASE WHEN samples.user_classification IS NULL
          THEN coalesce(gravest.platform, ${platformOfType}) || '.' || gravest.threat
          ELSE samples.user_threat_name END AS threat_name,
        CASE WHEN samples.user_classification IS NOT NULL THEN 'user'
             WHEN gravest.sample_id IS NOT NULL THEN 'rules' END AS origin
      FROM chosen
      ${joinInOrder} samples ON samples.id = chosen.id
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
        IS DISTINCT FROM (due.classification, due.risk_score, due.threat_name, due.origin)
  `
}
