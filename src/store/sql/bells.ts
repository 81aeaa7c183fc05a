import { sql } from 'kysely'
import type { StoredBells, UnreadHunt } from '../bells.ts'
import type { Flag } from '../schema.ts'
import type { Database } from './database.ts'

export function sqlBells(database: Database): StoredBells {
  const lastMatchId = async (): Promise<number> => {
    const { last } = await database
      .selectFrom('matches')
      .select(({ fn }) => fn.max<number | null>('id').as('last'))
      .executeTakeFirstOrThrow()
    return last ?? 0
  }
  return {
    lastMatchId,

    async begin(userId, at) {
      await database
        .insertInto('bells')
        .values({ user_id: userId, match_id: await lastMatchId(), moment: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async placeOf(userId) {
      const row = await database
        .selectFrom('bells')
        .select(['match_id as match', 'moment'])
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return row ?? null
    },

    async unreadRulesets(userId, most, counted) {
      const { rows } = await sql<{ name: string; lastMatched: number | null; matches: number }>`
        WITH followed(id, name, last_matched, behind) AS (
          SELECT rulesets.id, rulesets.name, rulesets.last_matched,
            CASE WHEN mark.match_id > bells.match_id THEN mark.match_id ELSE bells.match_id END
          FROM bells
          JOIN rulesets ON rulesets.tenant_id IS NULL
          LEFT JOIN bell_rulesets AS mark ON mark.user_id = bells.user_id AND mark.ruleset_id = rulesets.id
          WHERE bells.user_id = ${userId}
            AND coalesce(mark.follows, CASE WHEN rulesets.owner_id = bells.user_id THEN 1 ELSE 0 END) = 1
        ), unread AS (
          SELECT * FROM followed
          WHERE EXISTS (SELECT 1 FROM matches WHERE matches.ruleset_id = followed.id AND matches.id > followed.behind)
          ORDER BY coalesce(last_matched, 0) DESC, id LIMIT ${most}
        )
        SELECT name, last_matched AS "lastMatched", (
          SELECT count(*) FROM (
            SELECT 1 FROM matches WHERE matches.ruleset_id = unread.id AND matches.id > unread.behind LIMIT ${counted}
          ) AS found
        ) AS matches FROM unread ORDER BY coalesce(last_matched, 0) DESC, id`.execute(database)
      return rows
    },

    async unreadHunts(userId, most) {
      const rows = await database
        .selectFrom('bells')
        .innerJoin('hunts', (join) => join.onRef('hunts.stopped', '>', 'bells.moment'))
        .select(['hunts.id', 'hunts.kind', 'hunts.title', 'hunts.state', 'hunts.matches', 'hunts.stopped'])
        .where('bells.user_id', '=', userId)
        .where((eb) =>
          eb.or([
            eb('hunts.kind', '=', 'local-retro'),
            eb.and([eb('hunts.kind', '=', 'ad-hoc'), eb('hunts.started_by', '=', userId)]),
          ]),
        )
        .where('hunts.id', 'not in', database.selectFrom('bell_hunts').select('hunt_id').where('user_id', '=', userId))
        .orderBy('hunts.stopped', 'desc')
        .orderBy('hunts.id', 'desc')
        .limit(most)
        .execute()
      return rows as UnreadHunt[]
    },

    async readUpTo(userId, { match, moment }) {
      await database
        .updateTable('bells')
        .set({
          match_id: sql`CASE WHEN match_id > ${match} THEN match_id ELSE ${match} END`,
          moment: sql`CASE WHEN moment > ${moment} THEN moment ELSE ${moment} END`,
        })
        .where('user_id', '=', userId)
        .execute()
      // What was read by itself needs no word of its own any more.
      await database
        .deleteFrom('bell_hunts')
        .where('user_id', '=', userId)
        .where('hunt_id', 'in', (eb) => eb.selectFrom('hunts').select('id').where('stopped', '<=', moment))
        .execute()
      await database
        .deleteFrom('bell_rulesets')
        .where('user_id', '=', userId)
        .where('follows', 'is', null)
        .where('match_id', '<=', match)
        .execute()
    },

    async readRuleset(userId, rulesetId, match) {
      await database
        .insertInto('bell_rulesets')
        .values({ user_id: userId, ruleset_id: rulesetId, follows: null, match_id: match })
        .onConflict((conflict) => conflict.columns(['user_id', 'ruleset_id']).doUpdateSet({ match_id: match }))
        .execute()
    },

    async readHunt(userId, huntId) {
      await database
        .insertInto('bell_hunts')
        .values({ user_id: userId, hunt_id: huntId })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async isFollowed(userId, rulesetId) {
      const row = await database
        .selectFrom('rulesets')
        .leftJoin('bell_rulesets as mark', (join) =>
          join.onRef('mark.ruleset_id', '=', 'rulesets.id').on('mark.user_id', '=', userId),
        )
        .select(['mark.follows', 'rulesets.owner_id as owner'])
        .where('rulesets.id', '=', rulesetId)
        .executeTakeFirst()
      return row !== undefined && (row.follows === null ? row.owner === userId : row.follows === 1)
    },

    async follow(userId, rulesetId, isFollowed, match) {
      const follows: Flag = isFollowed ? 1 : 0
      await database
        .insertInto('bell_rulesets')
        .values({ user_id: userId, ruleset_id: rulesetId, follows, match_id: match })
        .onConflict((conflict) => conflict.columns(['user_id', 'ruleset_id']).doUpdateSet({ follows, match_id: match }))
        .execute()
    },
  }
}
