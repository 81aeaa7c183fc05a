import type { StoredMembers } from '../members.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { samplesFrom, toSample } from './sample-rows.ts'

export function sqlMembers(database: Database, { listOf }: Engine): StoredMembers {
  return {
    async count(archive) {
      const { total } = await database
        .selectFrom('members')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('parent_id', '=', archive)
        .executeTakeFirstOrThrow()
      return total
    },

    async list(archive, { offset, limit }) {
      const rows = await samplesFrom(database)
        .innerJoin('members', 'members.child_id', 'samples.id')
        .select('members.path')
        .where('members.parent_id', '=', archive)
        .orderBy('members.path')
        .orderBy('samples.id')
        .limit(limit)
        .offset(offset)
        .execute()
      return rows.map((row) => ({ sample: toSample(row), path: row.path }))
    },

    async archivesOf(sampleId, limit) {
      const rows = await samplesFrom(database)
        .innerJoin('members', 'members.parent_id', 'samples.id')
        .select('members.path')
        .where('members.child_id', '=', sampleId)
        .orderBy('samples.id')
        .orderBy('members.path')
        .limit(limit)
        .execute()
      return rows.map((row) => ({ sample: toSample(row), path: row.path }))
    },

    async add(archive, path, sampleId) {
      const added = await database
        .insertInto('members')
        .columns(['parent_id', 'child_id', 'path'])
        .expression((eb) =>
          eb
            .selectFrom('samples')
            .select(['id', eb.val(sampleId).as('child_id'), eb.val(path).as('path')])
            .where('id', '=', archive),
        )
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return (added.numInsertedOrUpdatedRows ?? 0n) > 0n
    },

    async findUnsent(archives) {
      return database
        .selectFrom('members')
        .innerJoin('members as places', 'places.child_id', 'members.child_id')
        .select(['members.child_id as member', 'places.parent_id as archive'])
        .distinct()
        .where('members.parent_id', 'in', listOf(archives))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('sightings')
                .select('sightings.id')
                .whereRef('sightings.sample_id', '=', 'members.child_id')
                .where('sightings.source', '<>', 'member'),
            ),
          ),
        )
        .execute()
    },

    async findOtherArchives(sampleIds) {
      const rows = await database
        .selectFrom('members')
        .select('parent_id')
        .distinct()
        .where('child_id', 'in', listOf(sampleIds))
        .where('parent_id', 'not in', listOf(sampleIds))
        .execute()
      return rows.map(({ parent_id }) => parent_id)
    },

    async recount(archives) {
      if (archives.length === 0) return
      await database
        .updateTable('samples')
        .set(({ selectFrom, fn }) => ({
          extracted_file_count: selectFrom('members')
            .select(() => [fn.countAll<number>().as('members')])
            .whereRef('members.parent_id', '=', 'samples.id'),
        }))
        .where('id', 'in', listOf(archives))
        .execute()
    },
  }
}
