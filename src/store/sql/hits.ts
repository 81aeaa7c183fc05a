import type { StoredHits } from '../hits.ts'
import type { Database } from './database.ts'

export function sqlHits(database: Database): StoredHits {
  return {
    async add(huntId, sampleId, hits) {
      let stored = 0n
      for (const { ruleset, rule, tags, strings, name } of hits) {
        const { numInsertedOrUpdatedRows } = await database
          .insertInto('hunt_hits')
          .columns(['hunt_id', 'sample_id', 'ruleset', 'rule', 'tags', 'strings', 'name'])
          .expression(({ selectFrom, val }) =>
            selectFrom('samples')
              .where('id', '=', sampleId)
              .select([
                val(huntId).as('hunt_id'),
                'id as sample_id',
                val(ruleset).as('ruleset'),
                val(rule).as('rule'),
                val(JSON.stringify(tags)).as('tags'),
                val(strings).as('strings'),
                val(name).as('name'),
              ]),
          )
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow()
        stored += numInsertedOrUpdatedRows ?? 0n
      }
      return Number(stored)
    },

    async list(huntId, after, most) {
      const rows = await database
        .selectFrom('hunt_hits')
        .innerJoin('samples', 'samples.id', 'hunt_hits.sample_id')
        .select(['hunt_hits.id', 'ruleset', 'rule', 'tags', 'strings', 'file_type as fileType', 'size as fileSize'])
        .select(({ fn }) => fn.coalesce('hunt_hits.name', 'samples.name').as('filename'))
        .select(['classification', 'threat_name as threatName'])
        .select(['sha256', 'sha1', 'md5'])
        .where('hunt_id', '=', huntId)
        .where('hunt_hits.id', '>', after)
        .orderBy('hunt_hits.id')
        .limit(most)
        .execute()
      return rows.map(({ tags, sha256, sha1, md5, ...row }) => ({
        ...row,
        sha256: sha256?.toHex() ?? '',
        sha1: sha1.toHex(),
        md5: md5?.toHex() ?? '',
        tags: JSON.parse(tags),
      }))
    },
  }
}
