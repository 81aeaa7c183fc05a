import type { StoredRulesetTags } from '../ruleset-tags.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { listsOf } from './list.ts'

export function sqlRulesetTags(database: Database, { listOf, textsOf }: Engine): StoredRulesetTags {
  return {
    async listOfEach(rulesetIds) {
      const rows = await database
        .selectFrom('ruleset_tags')
        .select(['ruleset_id', 'tag'])
        .where('ruleset_id', 'in', listOf(rulesetIds))
        .orderBy('tag')
        .execute()
      return listsOf(rows.map(({ ruleset_id, tag }) => [ruleset_id, tag]))
    },

    async count() {
      return database
        .selectFrom('ruleset_tags')
        .innerJoin('rulesets', 'rulesets.id', 'ruleset_tags.ruleset_id')
        .select(({ fn }) => ['tag', fn.countAll<number>().as('rulesets')])
        .where('rulesets.tenant_id', 'is', null)
        .groupBy('tag')
        .orderBy('tag')
        .execute()
    },

    async add(rulesetId, tags) {
      if (tags.length === 0) return
      await database
        .insertInto('ruleset_tags')
        .values(tags.map((tag) => ({ ruleset_id: rulesetId, tag })))
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async remove(rulesetId, tags) {
      await database
        .deleteFrom('ruleset_tags')
        .where('ruleset_id', '=', rulesetId)
        .where('tag', 'in', textsOf(tags))
        .execute()
    },
  }
}
