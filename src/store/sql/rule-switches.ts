import { sql } from 'kysely'
import type { RuleOfRuleset, StoredRuleSwitches } from '../rule-switches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlRuleSwitches(database: Database, { textsOf, rowsOf }: Engine): StoredRuleSwitches {
  return {
    async list(rulesetId) {
      return database
        .selectFrom('disabled_rules')
        .innerJoin('users', 'users.id', 'disabled_rules.user_id')
        .select(['disabled_rules.rule', 'users.name as by', 'disabled_rules.since'])
        .where('ruleset_id', '=', rulesetId)
        .orderBy('disabled_rules.rule')
        .execute()
    },

    async count(rulesetId) {
      const { disabled } = await database
        .selectFrom('disabled_rules')
        .select(({ fn }) => fn.countAll<number>().as('disabled'))
        .where('ruleset_id', '=', rulesetId)
        .executeTakeFirstOrThrow()
      return disabled
    },

    async findDisabled(rules) {
      const asked = rowsOf(rules, { rulesetId: 'integer', rule: 'text' })
      const { rows } = await sql<RuleOfRuleset>`
        SELECT DISTINCT disabled_rules.ruleset_id AS "rulesetId", disabled_rules.rule FROM ${asked} AS asked
        JOIN disabled_rules ON disabled_rules.ruleset_id = asked."rulesetId" AND disabled_rules.rule = asked.rule`.execute(
        database,
      )
      return rows
    },

    async disable(rulesetId, rules, { userId, at }) {
      const named = rowsOf(
        [...new Set(rules)].map((rule) => ({ rule })),
        { rule: 'text' },
      )
      await sql`INSERT INTO disabled_rules (ruleset_id, rule, user_id, since)
        SELECT ${rulesetId}, named.rule, ${userId}, ${at} FROM ${named} AS named WHERE TRUE
        ON CONFLICT DO NOTHING`.execute(database)
    },

    async enable(rulesetId, rules) {
      await database
        .deleteFrom('disabled_rules')
        .where('ruleset_id', '=', rulesetId)
        .where('rule', 'in', textsOf(rules))
        .execute()
    },
  }
}
