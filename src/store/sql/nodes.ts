import { sql } from 'kysely'
import type { StoredNodes } from '../nodes.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlNodes(database: Database, { listOf, nodeLocks }: Engine): StoredNodes {
  return {
    async add({ name, version, workers, cacheLimit, started }) {
      const { id } = await database
        .insertInto('nodes')
        .values({ name, version, workers, cache_limit: cacheLimit, started, seen: started })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async list() {
      const nodes = await database
        .selectFrom('nodes')
        .select(['id', 'name', 'version', 'workers', 'cache_limit as cacheLimit', 'started', 'beat', 'seen'])
        .select(['done', 'failed', 'refused', 'cache_bytes as cacheBytes'])
        .orderBy('id')
        .execute()
      const { rows } = await sql<{ value: number }>`SELECT value FROM ${nodeLocks} AS locks`.execute(database)
      const connected = new Set(rows.map(({ value }) => value))
      return nodes.map((node) => ({ ...node, isConnected: connected.has(node.id) }))
    },

    async beat(id, at, { done, failed, refused, cacheBytes }) {
      const { numUpdatedRows } = await database
        .updateTable('nodes')
        .set(({ eb }) => ({
          beat: eb('beat', '+', 1),
          seen: at,
          ...{ done, failed, refused, cache_bytes: cacheBytes },
        }))
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async delete(ids) {
      await database.deleteFrom('nodes').where('id', 'in', listOf(ids)).execute()
    },
  }
}
