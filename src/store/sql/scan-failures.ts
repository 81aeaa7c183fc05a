import type { StoredScanFailures } from '../scan-failures.ts'
import type { Database } from './database.ts'

export function sqlScanFailures(database: Database): StoredScanFailures {
  return {
    async add(rulesetId, sampleId) {
      const { numInsertedOrUpdatedRows } = await database
        .insertInto('strikes')
        .values({ ruleset_id: rulesetId, sample_id: sampleId })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return (numInsertedOrUpdatedRows ?? 0n) > 0n
    },

    async count(rulesetId) {
      const { failures } = await database
        .selectFrom('strikes')
        .select((eb) => eb.fn.countAll<number>().as('failures'))
        .where('ruleset_id', '=', rulesetId)
        .executeTakeFirstOrThrow()
      return failures
    },

    async revisionsOn(sampleId) {
      const rows = await database
        .selectFrom('strikes')
        .innerJoin('rulesets', 'rulesets.id', 'strikes.ruleset_id')
        .select('rulesets.revision_id')
        .where('strikes.sample_id', '=', sampleId)
        .execute()
      return rows.flatMap(({ revision_id }) => revision_id ?? [])
    },

    async deleteAll(rulesetId) {
      await database.deleteFrom('strikes').where('ruleset_id', '=', rulesetId).execute()
    },
  }
}
