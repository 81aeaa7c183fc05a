import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import type { StoredMatches } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { firstOfEach, portionsOf } from './list.ts'
import { searchGroups } from './match-groups.ts'
import { searchInOrder } from './match-order.ts'
import { commonMatchIds, matchesById, matchesWithSamples, matchIds, sortedMatchIds, toMatchRow } from './match-rows.ts'
import { countFoundMatches, searchIds, searchMatches } from './match-search.ts'
import { matchValues } from './match-values.ts'

/** Other requests are answered in between. */
const ROWS_AT_ONCE = 2_000
/** Runs that may have lists left: those of earlier ones are gone already. */
const PAST_RUNS = 100
const feedFlags = { live: 1, retro: 2 } as const

export function sqlMatches(database: Database, engine: Engine): StoredMatches {
  const { listOf, textsOf } = engine
  return {
    async add(sampleId, found, at) {
      const added: { readonly rulesetId: number; readonly rule: string }[] = []
      for (const some of portionsOf(found, 7)) {
        const rows = await database
          .insertInto('matches')
          .values(
            some.map(({ rulesetId, revisionId, rule, name }) => ({
              ruleset_id: rulesetId,
              sample_id: sampleId,
              rule,
              cloud: 0,
              revision_id: revisionId,
              created: at,
              name,
            })),
          )
          .onConflict((conflict) => conflict.doNothing())
          .returning(['ruleset_id as rulesetId', 'rule'])
          .execute()
        added.push(...rows)
      }
      return added
    },

    async addToRun(huntId, sampleId, found) {
      for (const [rulesetId, rules] of Map.groupBy(found, (each) => each.rulesetId)) {
        await database
          .insertInto('retro_matches')
          .columns(['hunt_id', 'match_id'])
          .expression(({ selectFrom, val }) =>
            selectFrom('matches')
              .select([val(huntId).as('hunt_id'), 'id as match_id'])
              .where('sample_id', '=', sampleId)
              .where('ruleset_id', '=', rulesetId)
              .where('cloud', '=', 0)
              .where('rule', 'in', textsOf(rules.map(({ rule }) => rule))),
          )
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }
    },

    async deleteOfRuns(kept, signal) {
      const runs = await database
        .selectFrom('hunts')
        .select('id')
        .where('kind', '=', 'local-retro')
        .orderBy('id', 'desc')
        .offset(kept)
        .limit(PAST_RUNS)
        .execute()
      for (const { id } of runs) {
        for (let deleted = ROWS_AT_ONCE; deleted === ROWS_AT_ONCE; await setImmediate()) {
          if (signal?.aborted) return
          const some = database.selectFrom('retro_matches').select('match_id').where('hunt_id', '=', id)
          const { numDeletedRows } = await database
            .deleteFrom('retro_matches')
            .where('hunt_id', '=', id)
            .where('match_id', 'in', some.limit(ROWS_AT_ONCE))
            .executeTakeFirstOrThrow()
          deleted = Number(numDeletedRows)
        }
      }
    },

    async addFromCloud(feed, findings) {
      const samples: number[] = []
      const each = firstOfEach(findings, ({ rulesetId, sampleId, rule }) => `${rulesetId} ${sampleId} ${rule}`)
      for (let from = 0; from < each.length; from += ROWS_AT_ONCE) {
        const rows = await database
          .insertInto('matches')
          .values(
            each.slice(from, from + ROWS_AT_ONCE).map(({ rulesetId, revisionId, rule, sampleId, at }) => ({
              ruleset_id: rulesetId,
              sample_id: sampleId,
              rule,
              cloud: 1 as const,
              feeds: feedFlags[feed],
              revision_id: revisionId,
              created: at,
            })),
          )
          .onConflict((conflict) =>
            conflict
              .columns(['ruleset_id', 'sample_id', 'rule', 'cloud'])
              .doUpdateSet({ feeds: sql`matches.feeds | excluded.feeds` })
              .where(sql<boolean>`matches.feeds & excluded.feeds = 0`),
          )
          .returning('sample_id')
          .execute()
        for (const { sample_id } of rows) samples.push(sample_id)
      }
      return samples
    },

    async clearRetro(rulesetId) {
      await database
        .updateTable('matches')
        .set({ feeds: feedFlags.live })
        .where('ruleset_id', '=', rulesetId)
        .where('feeds', '=', feedFlags.live | feedFlags.retro)
        .execute()
      const gone = await database
        .deleteFrom('matches')
        .where('ruleset_id', '=', rulesetId)
        .where('feeds', '=', feedFlags.retro)
        .returning('sample_id')
        .execute()
      return gone.map(({ sample_id }) => sample_id)
    },

    async moveFromCloud({ from, to }) {
      // Where the other has the match already, it stays, and goes with its sample.
      await sql`UPDATE matches SET sample_id = ${to} WHERE sample_id = ${from} AND cloud = 1 AND NOT EXISTS (
        SELECT 1 FROM matches AS there WHERE there.ruleset_id = matches.ruleset_id AND there.sample_id = ${to}
          AND there.rule = matches.rule AND there.cloud = 1)`.execute(database)
    },

    async deleteOfRules(rulesetId, rules) {
      const all = matchIds(database, rulesetId)
      // The counts go first, which spares counting down.
      if (rules === 'all') await database.deleteFrom('ruleset_counts').where('ruleset_id', '=', rulesetId).execute()
      const chosen = rules === 'all' ? all : all.where('rule', 'in', textsOf(rules))
      const ids = (await chosen.execute()).map((row) => row.id)
      for (let from = 0; from < ids.length; from += ROWS_AT_ONCE) {
        if (from > 0) await setImmediate()
        const part = ids.slice(from, from + ROWS_AT_ONCE)
        await database.deleteFrom('matches').where('id', 'in', listOf(part)).execute()
      }
    },

    async samplesOfRules(rulesetId, rules) {
      const samples = await database
        .selectFrom('matches')
        .select('sample_id')
        .distinct()
        .where('ruleset_id', '=', rulesetId)
        .where('rule', 'in', textsOf(rules))
        .execute()
      return samples.map((row) => row.sample_id)
    },

    async countByName(names) {
      return database
        .selectFrom('rulesets')
        .leftJoin('ruleset_counts', 'ruleset_counts.ruleset_id', 'rulesets.id')
        .select((eb) => [
          'rulesets.id',
          'rulesets.name',
          eb.fn.coalesce(eb.fn.sum<number>('matches'), eb.lit(0)).as('matches'),
        ])
        .where('rulesets.name', 'in', textsOf(names))
        .where('rulesets.tenant_id', 'is', null)
        .groupBy('rulesets.id')
        .orderBy('matches')
        .execute()
    },

    async count(rulesetIds) {
      let query = database
        .selectFrom('ruleset_counts')
        .select(({ fn, lit }) => fn.coalesce(fn.sum<number>('matches'), lit(0)).as('matches'))
      if (rulesetIds !== null) query = query.where('ruleset_id', 'in', listOf(rulesetIds))
      return (await query.executeTakeFirstOrThrow()).matches
    },

    async countRecorded(from, to) {
      const { recorded } = await database
        .selectFrom('matches')
        .select(({ fn }) => fn.countAll<number>().as('recorded'))
        .where('created', '>=', from)
        .where('created', '<', to)
        .executeTakeFirstOrThrow()
      return recorded
    },

    async countByRevision(rulesetId) {
      return database
        .selectFrom('matches')
        .innerJoin('revisions', 'revisions.id', 'matches.revision_id')
        .select(({ fn }) => ['revisions.number', 'matches.rule', fn.countAll<number>().as('count')])
        .where('matches.ruleset_id', '=', rulesetId)
        .groupBy(['revisions.id', 'matches.rule'])
        .orderBy('matches.rule')
        .execute()
    },

    async countByRule(rulesetId) {
      // Read off the index that keeps matches unique.
      return database
        .selectFrom('matches')
        .select(({ fn }) => ['rule', fn.countAll<number>().as('count')])
        .where('ruleset_id', '=', rulesetId)
        .groupBy('rule')
        .execute()
    },

    async listIds(rulesetId, { offset, limit, count }) {
      // Skipping costs a step per row, so pages of the second half are counted from the end.
      const fromEnd = offset > count / 2
      const rows = await matchIds(database, rulesetId)
        .orderBy('matches.id', fromEnd ? 'asc' : 'desc')
        .limit(limit)
        .offset(fromEnd ? count - offset - limit : offset)
        .execute()
      const ids = rows.map((row) => row.id)
      return fromEnd ? ids.reverse() : ids
    },

    listCommonIds: (rulesetIds) => commonMatchIds(database, engine, rulesetIds),

    findByIds: (ids) => matchesById(database, engine, ids),

    async findOfSample(sampleId) {
      const rows = await matchesWithSamples(database)
        .where('matches.sample_id', '=', sampleId)
        .orderBy('rulesets.name')
        .orderBy('matches.rule')
        .orderBy('matches.cloud')
        .execute()
      return rows.map(toMatchRow)
    },

    search: (rulesetIds, conditions, walk) => searchMatches(database, engine, rulesetIds, conditions, walk),

    searchIds: (rulesetIds, conditions, walk) => searchIds(database, engine, rulesetIds, conditions, walk),

    searchGroups: (rulesetIds, conditions, by, walk) =>
      searchGroups(database, engine, rulesetIds, conditions, by, walk),

    sort: (ids, by, descending) => sortedMatchIds(database, engine, ids, by, descending),

    searchInOrder: (rulesetIds, conditions, order) => searchInOrder(database, engine, rulesetIds, conditions, order),

    values: (rulesetIds, asked) => matchValues(database, engine, rulesetIds, asked),

    countFound: (rulesetIds, conditions) => countFoundMatches(database, engine, rulesetIds, conditions),
  }
}
