import type { StoredServers } from '../servers.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

/** Of the settings: the term of the server that got the database last. SQLite has none. */
const TERM = 'server-term'

export function sqlServers(database: Database, { listOf }: Engine): StoredServers {
  const latestTerm = database.selectFrom('settings').select('value').where('key', '=', TERM)
  return {
    async add({ name, version, workers, url, certificate, term, started }) {
      const { id } = await database
        .insertInto('servers')
        .values({ name, version, workers, url, certificate, term, started, seen: started })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async list() {
      const rows = await database
        .selectFrom('servers')
        .select(['id', 'name', 'version', 'workers', 'url', 'started', 'beat', 'seen', 'term'])
        .select(latestTerm.as('latest'))
        .orderBy('id')
        .execute()
      return rows.map(({ term, latest, ...server }) => ({ ...server, isActive: term !== null && term === latest }))
    },

    async findActive() {
      const row = await database
        .selectFrom('servers')
        .select(['id', 'name', 'beat', 'url', 'certificate', 'term'])
        .where('term', '=', latestTerm)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined || row.term === null ? null : { ...row, term: row.term }
    },

    async beat(id, at) {
      const { numUpdatedRows } = await database
        .updateTable('servers')
        .set(({ eb }) => ({ beat: eb('beat', '+', 1), seen: at }))
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async delete(ids) {
      await database.deleteFrom('servers').where('id', 'in', listOf(ids)).execute()
    },

    async deleteSilent(since) {
      await database.deleteFrom('servers').where('seen', '<', since).execute()
    },
  }
}
