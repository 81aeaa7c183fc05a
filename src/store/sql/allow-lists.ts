import { sql } from 'kysely'
import type { Allowed, StoredAllowLists } from '../allow-lists.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlAllowLists(database: Database, { rowsOf }: Engine): StoredAllowLists {
  return {
    async list(rulesetId) {
      return database
        .selectFrom('allow_entries')
        .innerJoin('users', 'users.id', 'allow_entries.user_id')
        .select(['rule', 'kind', 'value', 'users.name as by', 'allow_entries.created'])
        .where('ruleset_id', '=', rulesetId)
        .orderBy('rule')
        .orderBy('kind')
        .orderBy('value')
        .execute()
    },

    async count({ rulesetId, rule }) {
      const { entries } = await database
        .selectFrom('allow_entries')
        .select(({ fn }) => fn.countAll<number>().as('entries'))
        .where('ruleset_id', '=', rulesetId)
        .where('rule', '=', rule)
        .executeTakeFirstOrThrow()
      return entries
    },

    async findOf(rules) {
      const asked = rowsOf(rules, { rulesetId: 'integer', rule: 'text' })
      const { rows } = await sql<Allowed>`
        SELECT DISTINCT allowed.ruleset_id AS "rulesetId", allowed.rule, allowed.kind, allowed.value FROM ${asked} AS asked
        JOIN allow_entries AS allowed ON allowed.ruleset_id = asked."rulesetId" AND allowed.rule = asked.rule`.execute(
        database,
      )
      return rows
    },

    async add({ rulesetId, ...entry }, { userId, at }) {
      await database
        .insertInto('allow_entries')
        .values({ ruleset_id: rulesetId, ...entry, user_id: userId, created: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async delete({ rulesetId, rule, kind, value }) {
      await database
        .deleteFrom('allow_entries')
        .where('ruleset_id', '=', rulesetId)
        .where('rule', '=', rule)
        .where('kind', '=', kind)
        .where('value', '=', value)
        .execute()
    },
  }
}
