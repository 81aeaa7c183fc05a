import type { StoredHits } from '../hits.ts'
import type { Database } from './database.ts'

export function sqlHits(database: Database): StoredHits {
  const found = (huntId: number, notIn?: number) => {
    const hits = database.selectFrom('hunt_hits').where('hunt_hits.hunt_id', '=', huntId)
    if (notIn === undefined) return hits
    return hits.where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('hunt_hits as other')
            .select('other.id')
            .where('other.hunt_id', '=', notIn)
            .whereRef('other.sample_id', '=', 'hunt_hits.sample_id')
            .whereRef('other.ruleset', '=', 'hunt_hits.ruleset')
            .whereRef('other.rule', '=', 'hunt_hits.rule'),
        ),
      ),
    )
  }
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

    async list(huntId, after, most, notIn) {
      const rows = await found(huntId, notIn)
        .innerJoin('samples', 'samples.id', 'hunt_hits.sample_id')
        .select(['hunt_hits.id', 'ruleset', 'rule', 'tags', 'strings', 'file_type as fileType', 'size as fileSize'])
        .select(({ fn }) => fn.coalesce('hunt_hits.name', 'samples.name').as('filename'))
        .select(['classification', 'threat_name as threatName'])
        .select(['sha256', 'sha1', 'md5'])
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

    async countNew(huntId, notIn) {
      const { count } = await found(huntId, notIn)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
  }
}
