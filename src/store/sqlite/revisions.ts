import type { StoredRevisions } from '../revisions.ts'
import type { RuleSummary } from '../schema.ts'
import type { Database } from './database.ts'
import { listOf } from './list.ts'

export function sqliteRevisions(database: Database): StoredRevisions {
  return {
    async rulesOf(ids) {
      const rows = await database
        .selectFrom('revisions')
        .select(['id', 'rules'])
        .where('id', 'in', listOf(ids))
        .execute()
      return new Map(rows.map(({ id, rules }) => [id, rulesIn(rules)]))
    },

    async rulesThenAndNow(ids) {
      const rows = await database
        .selectFrom('revisions as then')
        .innerJoin('revisions as now', 'now.ruleset_id', 'then.ruleset_id')
        .select(['then.id', 'then.rules', 'now.rules as currentRules'])
        .where('then.id', 'in', listOf(ids))
        .where('now.id', '=', (eb) =>
          eb
            .selectFrom('revisions as newest')
            .select(({ fn }) => fn.max('newest.id').as('id'))
            .whereRef('newest.ruleset_id', '=', 'then.ruleset_id')
            .where('newest.valid', '=', 1),
        )
        .execute()
      return rows.map(({ id, rules, currentRules }) => ({
        id,
        rules: rulesIn(rules),
        currentRules: rulesIn(currentRules),
      }))
    },

    async findEnabled(ids) {
      return database
        .selectFrom('revisions')
        .innerJoin('rulesets', 'rulesets.id', 'revisions.ruleset_id')
        .select(['revisions.id', 'rulesets.id as rulesetId', 'rulesets.revision_id as current'])
        .where('revisions.id', 'in', ids)
        .where('rulesets.enabled', '=', 1)
        .where('rulesets.tenant_id', 'is', null)
        .execute()
    },
  }
}

export function rulesIn(json: string): RuleSummary[] {
  return JSON.parse(json) as RuleSummary[]
}
