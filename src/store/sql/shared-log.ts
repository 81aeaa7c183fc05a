import { sql } from 'kysely'
import type { SharedEntry, StoredSharedLog, StoredSharedTexts } from '../shared-log.ts'
import type { SharedLogTable } from '../shared-tables.ts'
import type { Database } from './database.ts'

export function sqlSharedLog(database: Database): StoredSharedLog {
  const rows = () => database.selectFrom('shared_log').selectAll()
  return {
    async add({ change, enabled, ...rest }) {
      await database
        .insertInto('shared_log')
        .values({ ...rest, change_id: change, enabled: enabled ? 1 : 0 })
        .execute()
    },

    async newest(name) {
      const row = await rows().where('name', '=', name).orderBy('sequence', 'desc').limit(1).executeTakeFirst()
      return row ? toEntry(row) : null
    },

    async findByChange(appliance, change) {
      const row = await rows().where('appliance', '=', appliance).where('change_id', '=', change).executeTakeFirst()
      return row ? toEntry(row) : null
    },

    async end() {
      const row = await database
        .selectFrom('shared_log')
        .select(['sequence', 'chain'])
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ?? null
    },

    async chainAt(sequence) {
      const row = await database
        .selectFrom('shared_log')
        .select('chain')
        .where('sequence', '=', sequence)
        .executeTakeFirst()
      return row?.chain ?? null
    },

    async listAfter(sequence, most) {
      return (await rows().where('sequence', '>', sequence).orderBy('sequence').limit(most).execute()).map(toEntry)
    },

    async listCurrent(afterName, most) {
      const found = await rows()
        .where('name', '>', afterName)
        .where('digest', 'is not', null)
        .where(({ not, exists, selectFrom, ref }) =>
          not(
            exists(
              selectFrom('shared_log as later')
                .select('later.sequence')
                .whereRef('later.name', '=', 'shared_log.name')
                .where('later.sequence', '>', ref('shared_log.sequence')),
            ),
          ),
        )
        .orderBy('name')
        .limit(most)
        .execute()
      return found.map(toEntry)
    },

    async prune(before) {
      const { rows: gone } = await sql<{ sequence: number }>`
        DELETE FROM shared_log
        WHERE time < ${before}
          AND sequence < (SELECT max(sequence) FROM shared_log WHERE time < ${before})
          AND (digest IS NULL OR EXISTS (
            SELECT 1 FROM shared_log AS later
            WHERE later.name = shared_log.name AND later.sequence > shared_log.sequence))
        RETURNING sequence`.execute(database)
      return gone.reduce((largest, { sequence }) => Math.max(largest, sequence), 0)
    },
  }
}

function toEntry({ change_id, enabled, ...rest }: SharedLogTable): SharedEntry {
  return { ...rest, change: change_id, enabled: enabled === 1 }
}

export function sqlSharedTexts(database: Database): StoredSharedTexts {
  return {
    async add(digest, packed) {
      await database
        .insertInto('shared_texts')
        .values({ digest, packed })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async find(digest) {
      const row = await database
        .selectFrom('shared_texts')
        .select('packed')
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row?.packed ?? null
    },

    async has(digest) {
      const row = await database
        .selectFrom('shared_texts')
        .select('digest')
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row !== undefined
    },

    async deleteUnreferenced() {
      const named = (['shared_log', 'shared_rulesets', 'publications'] as const).map((table) =>
        database.selectFrom(table).select('digest').where('digest', 'is not', null),
      )
      let query = database.deleteFrom('shared_texts')
      for (const digests of named) query = query.where('digest', 'not in', digests)
      const { numDeletedRows } = await query.executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
