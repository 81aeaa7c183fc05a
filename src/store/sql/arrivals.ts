/**
 * A content may be known under many names: each time it was seen it had one, in a folder, with an owner. Rules that ask
 * for names hold on a sample when they hold for one of them.
 */
import { sql } from 'kysely'
import type { KnownName, Sighting, StoredArrivals } from '../arrivals.ts'
import type { Database } from './database.ts'
import { type Engine, MOST_SIGHTINGS } from './engine.ts'
import { listsOf, portionsOf } from './list.ts'

export function sqlArrivals(database: Database, engine: Engine): StoredArrivals {
  const { listOf } = engine
  return {
    names: (sampleIds) => knownNames(database, engine, sampleIds),
    allNames: (sampleIds) => allNames(database, engine, sampleIds),

    async add(sightings, seen) {
      for (const some of portionsOf(sightings, 8)) {
        await database
          .insertInto('sightings')
          .values(
            some.map(({ sampleId, userId, name, source, comment, folder, owner }) => ({
              sample_id: sampleId,
              name,
              user_id: userId,
              source,
              comment,
              seen,
              folder,
              owner,
            })),
          )
          .execute()
      }
    },

    async list(sampleId, limit) {
      const rows = await database
        .selectFrom('sightings')
        .leftJoin('users', 'users.id', 'sightings.user_id')
        .select(['sightings.name', 'users.name as user', 'source', 'comment', 'seen', 'folder', 'owner'])
        .where('sample_id', '=', sampleId)
        .orderBy('sightings.id', 'desc')
        .limit(limit)
        .execute()
      return rows as Sighting[]
    },

    async firstNames(sampleIds, limit) {
      const rows = await database
        .selectFrom((eb) =>
          eb
            .selectFrom('sightings')
            .select([
              'sample_id',
              'name',
              ({ fn }) =>
                fn
                  .agg<number>('row_number')
                  .over((over) => over.partitionBy('sample_id').orderBy((by) => by.fn.min('id')))
                  .as('place'),
            ])
            .where('sample_id', 'in', listOf(sampleIds))
            .groupBy(['sample_id', 'name'])
            .as('placed'),
        )
        .select(['sample_id', 'name'])
        .where('place', '<=', limit)
        .orderBy('place')
        .execute()
      return listsOf(rows.map(({ sample_id, name }) => [sample_id, name]))
    },

    async findOfUser(sha1, userId) {
      const row = await database
        .selectFrom('sightings')
        .innerJoin('samples', 'samples.id', 'sightings.sample_id')
        .select('samples.id')
        .where('samples.sha1', '=', Buffer.from(sha1, 'hex'))
        .where('sightings.user_id', '=', userId)
        .executeTakeFirst()
      return row?.id ?? null
    },

    async listSent(userId, before, limit) {
      return database
        .selectFrom('sightings')
        .innerJoin('samples', 'samples.id', 'sightings.sample_id')
        .select(['sightings.id', 'sightings.sample_id as sampleId', 'samples.size', 'sightings.seen'])
        .where('sightings.user_id', '=', userId)
        .where('sightings.source', '<>', 'member')
        .$if(before !== null, (query) => query.where('sightings.id', '<', before as number))
        .orderBy('sightings.id', 'desc')
        .limit(limit)
        .execute()
    },

    async hasNamed(sampleId, userId, name) {
      const row = await database
        .selectFrom('sightings')
        .select('id')
        .where('sample_id', '=', sampleId)
        .where('user_id', '=', userId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row !== undefined
    },

    async rename(sampleId, userId, from, to) {
      await database
        .updateTable('sightings')
        .set(to)
        .where('sample_id', '=', sampleId)
        .where('user_id', '=', userId)
        .where('name', '=', from)
        .execute()
    },
  }
}

/** The newest names of a sample that count: a content that everybody has under another name must not hold up a hunt. */
const MOST_NAMES = 64

async function knownNames(
  database: Database,
  { listOf, joinNewestSightings }: Engine,
  ids: readonly number[],
): Promise<Map<number, KnownName[]>> {
  const { rows } = await sql<KnownName & { id: number }>`
    SELECT id, name, folder, owner FROM (
      SELECT *, row_number() OVER (PARTITION BY id ORDER BY is_member, latest DESC) AS place FROM (
        SELECT sample_id AS id, name, coalesce(folder, '') AS folder, coalesce(owner, '') AS owner,
          min(CASE WHEN source = 'member' THEN 1 ELSE 0 END) AS is_member, max(sightings.id) AS latest
        FROM ${listOf(ids)} AS asked ${joinNewestSightings(MOST_SIGHTINGS)}
        GROUP BY 1, 2, 3, 4
      ) AS grouped
    ) AS placed WHERE place <= ${MOST_NAMES} ORDER BY id, place`.execute(database)
  return namesBySample(rows)
}

/** Times seen for each sample asked about, on average, from which on reading all of them costs more than choosing. */
const MANY_SIGHTINGS = 16

async function allNames(database: Database, engine: Engine, ids: readonly number[]): Promise<Map<number, KnownName[]>> {
  const most = MANY_SIGHTINGS * ids.length
  const { rows } = await sql<KnownName & { id: number }>`
    SELECT sample_id AS id, name, coalesce(folder, '') AS folder, coalesce(owner, '') AS owner
    FROM ${engine.listOf(ids)} AS asked ${engine.joinInOrder} sightings ON sightings.sample_id = asked.value
    LIMIT ${most + 1}`.execute(database)
  return rows.length > most ? knownNames(database, engine, ids) : namesBySample(rows)
}

function namesBySample(rows: readonly (KnownName & { readonly id: number })[]): Map<number, KnownName[]> {
  return listsOf(rows.map(({ id, ...known }) => [id, known]))
}
