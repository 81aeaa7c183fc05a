import { type SqlBool, sql } from 'kysely'
import { unfinishedStates } from '../hunts.ts'
import type { StoredRetention } from '../retention.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlRetention(database: Database, { listOf }: Engine): StoredRetention {
  const those = async (sampleIds: readonly number[], condition: ReturnType<typeof sql<SqlBool>>) => {
    const rows = await database
      .selectFrom('samples')
      .select('id')
      .where('id', 'in', listOf(sampleIds))
      .where(condition)
      .execute()
    return new Set(rows.map(({ id }) => id))
  }
  return {
    async findBusy(sampleIds) {
      const hunts = await database
        .selectFrom('hunts')
        .select(['cursor', 'last_sample_id as last'])
        .where('state', 'in', unfinishedStates)
        .execute()
      const waiting = await those(
        sampleIds,
        sql`(samples.state = 'queued' OR EXISTS (SELECT 1 FROM reanalyses WHERE reanalyses.sample_id = samples.id))`,
      )
      const hunted = sampleIds.filter((id) => hunts.some(({ cursor, last }) => id > cursor && id <= last))
      return new Set([...waiting, ...hunted])
    },

    findMatched: (sampleIds) =>
      those(
        sampleIds,
        sql`(EXISTS (SELECT 1 FROM matches WHERE matches.sample_id = samples.id)
          OR EXISTS (SELECT 1 FROM hunt_hits WHERE hunt_hits.sample_id = samples.id)
          OR EXISTS (SELECT 1 FROM feed_entries WHERE feed_entries.sample_id = samples.id))`,
      ),

    findUnsentMembers: (sampleIds) =>
      those(
        sampleIds,
        sql`(EXISTS (SELECT 1 FROM members WHERE members.child_id = samples.id AND members.parent_id <> samples.id)
          AND NOT EXISTS (
            SELECT 1 FROM sightings WHERE sightings.sample_id = samples.id AND sightings.source <> 'member'))`,
      ),
  }
}
