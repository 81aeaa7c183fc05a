import { sql } from 'kysely'
import type { StoredHuntParts } from '../hunt-parts.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlHuntParts(database: Database, { listOf, textsOf, skipLocked }: Engine): StoredHuntParts {
  /** Lets go of a part that is claimed under this fence. */
  const release = async (
    id: number,
    fence: number,
    values: { state: 'done' | 'failed' | 'offered'; output?: Uint8Array; reason?: string; node_id?: null },
  ) => {
    const { numUpdatedRows } = await database
      .updateTable('hunt_parts')
      .set(values)
      .where('id', '=', id)
      .where('fence', '=', fence)
      .where('state', '=', 'claimed')
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  return {
    async addRules(huntId, version, rules) {
      const { id } = await database
        .insertInto('hunt_part_rules')
        .values({ hunt_id: huntId, version, rules })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async findRules(id) {
      const row = await database
        .selectFrom('hunt_part_rules')
        .select(['hunt_id as huntId', 'rules'])
        .where('id', '=', id)
        .executeTakeFirst()
      return row ?? null
    },

    async deleteRules(id) {
      await database.deleteFrom('hunt_part_rules').where('id', '=', id).execute()
    },

    async clear() {
      await database.deleteFrom('hunt_part_rules').execute()
    },

    async offer({ rulesId, kind, input, wantedBy, created }) {
      const { id } = await database
        .insertInto('hunt_parts')
        .values({ rules_id: rulesId, kind, input, wanted_by: wantedBy, created })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async claim(nodeId, rooms) {
      const some = rooms.map(
        ({ kinds, most }) => sql`SELECT id FROM (
          SELECT id FROM hunt_parts
          WHERE state = 'offered' AND kind IN ${textsOf(kinds)}
            AND (wanted_by IS NULL OR wanted_by = ${nodeId})
            AND rules_id IN (
              SELECT rules.id FROM hunt_part_rules AS rules
              JOIN nodes ON nodes.version = rules.version WHERE nodes.id = ${nodeId})
          ORDER BY id LIMIT ${most} ${skipLocked}) AS ready`,
      )
      if (some.length === 0) return []
      const chosen = sql<number>`(${sql.join(some, sql` UNION ALL `)})`
      const rows = await database
        .updateTable('hunt_parts')
        .set(({ eb }) => ({ state: 'claimed', node_id: nodeId, fence: eb('fence', '+', 1) }))
        .where('id', 'in', chosen)
        .returning(['id', 'rules_id as rulesId', 'kind', 'input', 'fence'])
        .execute()
      return rows.sort((a, b) => a.id - b.id)
    },

    async offerToAll(ids) {
      await database
        .updateTable('hunt_parts')
        .set({ wanted_by: null })
        .where('id', 'in', listOf(ids))
        .where('state', '=', 'offered')
        .execute()
    },

    settle: (id, fence, output) => release(id, fence, { state: 'done', output }),
    fail: (id, fence, reason) => release(id, fence, { state: 'failed', reason }),
    giveBack: (id, fence) => release(id, fence, { state: 'offered', node_id: null }),

    async takeBack(nodeIds) {
      const { numUpdatedRows } = await database
        .updateTable('hunt_parts')
        .set(({ eb }) => ({ state: 'offered', node_id: null, wanted_by: null, fence: eb('fence', '+', 1) }))
        .where('state', '=', 'claimed')
        .where('node_id', 'in', listOf(nodeIds))
        .executeTakeFirstOrThrow()
      return Number(numUpdatedRows)
    },

    async withdraw(ids) {
      const rows = await database
        .deleteFrom('hunt_parts')
        .where('id', 'in', listOf(ids))
        .where('state', '=', 'offered')
        .returning('id')
        .execute()
      return rows.map(({ id }) => id).sort((a, b) => a - b)
    },

    async list() {
      return database
        .selectFrom('hunt_parts')
        .innerJoin('hunt_part_rules', 'hunt_part_rules.id', 'hunt_parts.rules_id')
        .select(['hunt_parts.id', 'hunt_part_rules.hunt_id as huntId', 'hunt_parts.kind', 'hunt_parts.state'])
        .select(['hunt_parts.node_id as nodeId', 'hunt_parts.created'])
        .orderBy('hunt_parts.id')
        .execute()
    },

    async heldBy(nodeId) {
      return database
        .selectFrom('hunt_parts')
        .select(['id', 'fence'])
        .where('state', '=', 'claimed')
        .where('node_id', '=', nodeId)
        .orderBy('id')
        .execute()
    },

    async results(ids) {
      return database
        .selectFrom('hunt_parts')
        .select(['id', 'output', 'reason'])
        .where('id', 'in', listOf(ids))
        .where('state', 'in', ['done', 'failed'])
        .orderBy('id')
        .execute()
    },

    async delete(ids) {
      await database.deleteFrom('hunt_parts').where('id', 'in', listOf(ids)).execute()
    },
  }
}
