/**
 * Matches that a cloud found. A cloud reports them in two feeds, of what arrives there (live) and of its hunts (retro),
 * and may report the same again: a row of `matches` remembers which feeds reported it, so that clearing the results of
 * a hunt leaves what the other feed reported.
 */
import { sql } from 'kysely'
import { listOf, type Micros, type RuleSummary, type Transaction } from '../store/index.ts'
import { reclassify } from './classification.ts'

/** That a rule, as it was in a revision, holds on a sample of the cloud. */
export interface CloudFinding {
  readonly rulesetId: number
  readonly revisionId: number
  readonly rule: string
  readonly sampleId: number
  /** When the cloud found it. */
  readonly at: Micros
}

const feedFlags = { live: 1, retro: 2 } as const
/** SQLite takes 32,766 parameters in a statement. */
const ROWS_AT_ONCE = 2_000

/**
 * Stores findings of a feed; storing them again changes nothing. Findings of rules that were changed since their
 * revision are left out: they say nothing about the rule as it is now. Returns how many matches are new or new in this
 * feed.
 */
export async function recordCloudMatches(
  trx: Transaction,
  feed: 'live' | 'retro',
  findings: readonly CloudFinding[],
): Promise<number> {
  const current = await currentFindings(trx, findings)
  const samples: number[] = []
  for (let from = 0; from < current.length; from += ROWS_AT_ONCE) {
    const rows = await trx
      .insertInto('matches')
      .values(
        current.slice(from, from + ROWS_AT_ONCE).map(({ rulesetId, revisionId, rule, sampleId, at }) => ({
          ruleset_id: rulesetId,
          sample_id: sampleId,
          rule,
          cloud: 1 as const,
          feeds: feedFlags[feed],
          revision_id: revisionId,
          created: at,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['ruleset_id', 'sample_id', 'rule', 'cloud'])
          .doUpdateSet({ feeds: sql`matches.feeds | excluded.feeds` })
          .where(sql<boolean>`matches.feeds & excluded.feeds = 0`),
      )
      .returning('sample_id')
      .execute()
    for (const { sample_id } of rows) samples.push(sample_id)
  }
  for (const [rulesetId, found] of Map.groupBy(current, (finding) => finding.rulesetId)) {
    const latest = found.reduce((latest, { at }) => Math.max(latest, at), 0)
    await trx
      .updateTable('rulesets')
      .set({ last_matched: latest })
      .where('id', '=', rulesetId)
      .where((eb) => eb.or([eb('last_matched', 'is', null), eb('last_matched', '<', latest)]))
      .execute()
  }
  await reclassify(trx, [...new Set(samples)])
  return samples.length
}

/** Removes what only the retro feed reported of a ruleset. Returns how many matches went. */
export async function clearRetroMatches(trx: Transaction, rulesetId: number): Promise<number> {
  await trx
    .updateTable('matches')
    .set({ feeds: feedFlags.live })
    .where('ruleset_id', '=', rulesetId)
    .where('feeds', '=', feedFlags.live | feedFlags.retro)
    .execute()
  const gone = await trx
    .deleteFrom('matches')
    .where('ruleset_id', '=', rulesetId)
    .where('feeds', '=', feedFlags.retro)
    .returning('sample_id')
    .execute()
  await sql`UPDATE rulesets SET last_matched = NULL
    WHERE id = ${rulesetId} AND NOT EXISTS (SELECT 1 FROM matches WHERE ruleset_id = ${rulesetId})`.execute(trx)
  await reclassify(trx, [...new Set(gone.map(({ sample_id }) => sample_id))])
  return gone.length
}

/** Lets another row stand for the same sample: its matches of the cloud are those of `to` afterwards. */
export async function moveCloudMatches(trx: Transaction, { from, to }: { from: number; to: number }): Promise<void> {
  // What `to` has already stays behind, and goes with the other row.
  await sql`UPDATE OR IGNORE matches SET sample_id = ${to} WHERE sample_id = ${from} AND cloud = 1`.execute(trx)
  await reclassify(trx, [to])
}

/** Those whose rule is still the same in the ruleset's last text that compiled. */
async function currentFindings(trx: Transaction, findings: readonly CloudFinding[]): Promise<CloudFinding[]> {
  const revisions = [...new Set(findings.map(({ revisionId }) => revisionId))]
  const rows = await trx
    .selectFrom('revisions as told')
    .innerJoin('revisions as standing', 'standing.ruleset_id', 'told.ruleset_id')
    .select(['told.id', 'told.rules as reportedRules', 'standing.rules as currentRules'])
    .where('told.id', 'in', listOf(revisions))
    .where('standing.id', '=', (eb) =>
      eb
        .selectFrom('revisions as newest')
        .select(({ fn }) => fn.max('newest.id').as('id'))
        .whereRef('newest.ruleset_id', '=', 'told.ruleset_id')
        .where('newest.valid', '=', 1),
    )
    .execute()
  const current = new Map(
    rows.map(({ id, reportedRules, currentRules }) => {
      const fingerprints = new Map(rulesIn(currentRules).map((rule) => [rule.name, rule.fingerprint]))
      const same = rulesIn(reportedRules).filter((rule) => fingerprints.get(rule.name) === rule.fingerprint)
      return [id, new Set(same.map((rule) => rule.name))]
    }),
  )
  return findings.filter(({ revisionId, rule }) => current.get(revisionId)?.has(rule))
}

function rulesIn(json: string): RuleSummary[] {
  return JSON.parse(json) as RuleSummary[]
}
