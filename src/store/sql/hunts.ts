import { sql } from 'kysely'
import { type ClaimedHunt, type HuntKind, type StoredHunts, unfinishedStates } from '../hunts.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { portionsOf } from './list.ts'

/** Hunts that are looked at for a part of a title. */
const MOST_LOOKED_AT = 10_000

export function sqlHunts(database: Database, { listOf, contains }: Engine): StoredHunts {
  const adHoc = () =>
    database
      .selectFrom('hunts')
      .leftJoin('users', 'users.id', 'hunts.started_by')
      .select([
        'hunts.id',
        'hunts.title',
        'hunts.state',
        'hunts.started_by as userId',
        'hunts.use_index',
        'hunts.repeats',
      ])
      .select(['hunts.failure', 'hunts.created', 'hunts.started', 'hunts.stopped', 'hunts.samples'])
      .select(['hunts.processed', 'hunts.candidates', 'hunts.scanned_bytes as scannedBytes', 'hunts.skipped'])
      .select(['hunts.matches', 'users.name as user'])
      .where('hunts.kind', '=', 'ad-hoc')
  const stop = (by: number, at: number) =>
    database
      .updateTable('hunts')
      .set({ state: 'stopped', stopped: at, stopped_by: by })
      .where('state', 'in', unfinishedStates)
  const claimed = ({ id, fence }: ClaimedHunt) =>
    database.updateTable('hunts').where('id', '=', id).where('fence', '=', fence)
  const unfinished = (kind: HuntKind) =>
    database.selectFrom('hunts').where('kind', '=', kind).where('state', 'in', unfinishedStates)

  return {
    async add({ kind, state, startedBy, created, started, samples, lastSampleId, rulesets = [], adHoc, retro }) {
      const { id } = await database
        .insertInto('hunts')
        .values({
          kind,
          state,
          started_by: startedBy,
          created,
          ...(started !== undefined && { started }),
          ...(samples !== undefined && { samples }),
          last_sample_id: lastSampleId,
          ...(adHoc && { title: adHoc.title, use_index: adHoc.useIndex ? 1 : 0, repeats: adHoc.repeats ?? null }),
          ...(retro && { ruleset_id: retro.rulesetId, analysed_since: retro.analysedSince }),
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      if (adHoc) {
        const { texts, selection } = adHoc
        await database.insertInto('hunt_texts').values({ hunt_id: id, texts, selection }).execute()
      }
      for (const some of portionsOf(rulesets, 3)) {
        const rows = some.map(({ rulesetId, revisionId }) => ({
          hunt_id: id,
          ruleset_id: rulesetId,
          revision_id: revisionId,
        }))
        await database.insertInto('hunt_rulesets').values(rows).execute()
      }
      return id
    },

    async requeue(kind) {
      const rows = await database
        .updateTable('hunts')
        .set(({ eb }) => ({ state: 'queued', fence: eb('fence', '+', 1) }))
        .where('kind', '=', kind)
        .where('state', 'in', unfinishedStates)
        .returning(['id', 'started_by as startedBy'])
        .execute()
      return rows.sort((a, b) => a.id - b.id)
    },

    async unfinished(kind) {
      return unfinished(kind).select(['id', 'started_by as startedBy']).orderBy('id').execute()
    },

    async findToRun(id) {
      const row = await database
        .selectFrom('hunts')
        .leftJoin('hunt_texts', 'hunt_texts.hunt_id', 'hunts.id')
        .select(['started_by as startedBy', 'cursor', 'last_sample_id as lastSampleId', 'use_index'])
        .select(['texts', 'selection', 'analysed_since as analysedSince'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      const { use_index, ...hunt } = row
      return { ...hunt, useIndex: use_index === 1 }
    },

    async revisionsOf(id) {
      const rows = await database.selectFrom('hunt_rulesets').select('revision_id').where('hunt_id', '=', id).execute()
      return rows.map(({ revision_id }) => revision_id)
    },

    async claim(id, at) {
      const row = await database
        .updateTable('hunts')
        .set(({ eb, fn, val }) => ({
          state: 'running',
          started: fn.coalesce('started', val(at)),
          fence: eb('fence', '+', 1),
        }))
        .where('id', '=', id)
        .where('state', 'in', unfinishedStates)
        .returning(['id', 'fence'])
        .executeTakeFirst()
      return row ?? null
    },

    async enter(hunt, state, at, failure) {
      const hasEnded = !(unfinishedStates as readonly string[]).includes(state)
      const { numUpdatedRows } = await claimed(hunt)
        .set(({ ref, fn, val }) => ({
          state,
          ...(failure !== undefined && { failure }),
          ...(state === 'running' && { started: fn.coalesce('started', val(at)) }),
          ...(hasEnded && { stopped: at }),
          ...(state === 'completed' && { processed: ref('samples') }),
        }))
        .where('state', 'in', unfinishedStates)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async stop(id, by, at) {
      const { numUpdatedRows } = await stop(by, at).where('id', '=', id).executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async stopKind(kind, by, at) {
      const { numUpdatedRows } = await stop(by, at).where('kind', '=', kind).executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    async findRunning({ id, fence }) {
      const row = await database
        .selectFrom('hunts')
        .select(['cursor', 'samples', 'processed', 'matches'])
        .where('id', '=', id)
        .where('fence', '=', fence)
        .where('state', '=', 'running')
        .executeTakeFirst()
      return row ?? null
    },

    async advance(hunt, { cursor, processed, candidates, scannedBytes, skipped, matches }) {
      await claimed(hunt)
        .set(({ eb }) => ({
          cursor,
          processed,
          candidates: eb('candidates', '+', candidates),
          scanned_bytes: eb('scanned_bytes', '+', scannedBytes),
          skipped: eb('skipped', '+', skipped),
          matches: eb('matches', '+', matches),
        }))
        .execute()
    },

    async setFailure(hunt, failure) {
      await claimed(hunt).set({ failure }).execute()
    },

    async setSamples(hunt, samples) {
      await claimed(hunt).set({ samples }).execute()
    },

    async setTitle(id, title) {
      await database.updateTable('hunts').set({ title }).where('id', '=', id).execute()
    },

    async delete(id) {
      await database.deleteFrom('hunts').where('id', '=', id).execute()
    },

    async unfinishedState(kind) {
      const row = await unfinished(kind).select('state').executeTakeFirst()
      return row?.state ?? null
    },

    async listRuns(kind, most) {
      return database
        .selectFrom('hunts')
        .leftJoin('users as starter', 'starter.id', 'hunts.started_by')
        .leftJoin('users as stopper', 'stopper.id', 'hunts.stopped_by')
        .select(['hunts.id', 'hunts.state', 'hunts.started', 'hunts.stopped', 'hunts.samples', 'hunts.processed'])
        .select(['hunts.candidates', 'hunts.scanned_bytes as scannedBytes', 'hunts.skipped', 'hunts.matches'])
        .select(['hunts.failure', 'starter.name as startedBy', 'stopper.name as stoppedBy'])
        .where('hunts.kind', '=', kind)
        .orderBy('hunts.id', 'desc')
        .limit(most)
        .execute()
    },

    async countRulesets(ids) {
      const rows = await database
        .selectFrom('hunt_rulesets')
        .select(({ fn }) => ['hunt_id', fn.countAll<number>().as('rulesets')])
        .where('hunt_id', 'in', listOf(ids))
        .groupBy('hunt_id')
        .execute()
      return new Map(rows.map(({ hunt_id, rulesets }) => [hunt_id, rulesets]))
    },

    async findAdHoc(id) {
      const row = await adHoc().where('hunts.id', '=', id).executeTakeFirst()
      return row ? toListed(row) : null
    },

    async listAdHoc(userId, { offset, limit }) {
      let rows = adHoc()
      let counted = database.selectFrom('hunts').where('kind', '=', 'ad-hoc')
      if (userId !== null) {
        rows = rows.where('hunts.started_by', '=', userId)
        counted = counted.where('hunts.started_by', '=', userId)
      }
      const { count } = await counted.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
      const found = await rows.orderBy('hunts.id', 'desc').offset(offset).limit(limit).execute()
      return { count, hunts: found.map(toListed) }
    },

    async findTitled(part, most) {
      const newest = database
        .selectFrom('hunts')
        .select('id')
        .where('kind', '=', 'ad-hoc')
        .orderBy('id', 'desc')
        .limit(MOST_LOOKED_AT)
      const rows = await adHoc()
        .where('hunts.id', 'in', database.selectFrom(newest.as('newest')).select('newest.id'))
        .where(contains(sql`hunts.title`, part))
        .orderBy('hunts.id', 'desc')
        .limit(most)
        .execute()
      return rows.map(toListed)
    },

    async textsOf(id) {
      const row = await database
        .selectFrom('hunt_texts')
        .select(['texts', 'selection'])
        .where('hunt_id', '=', id)
        .executeTakeFirst()
      return row ?? null
    },

    async findOfRuleset(rulesetId) {
      const row = await database
        .selectFrom('hunts')
        .select(['id', 'state', 'created', 'started', 'stopped', 'samples', 'processed', 'failure'])
        .where('ruleset_id', '=', rulesetId)
        .executeTakeFirst()
      return row ?? null
    },

    async deleteOfRuleset(rulesetId) {
      await database.deleteFrom('hunts').where('ruleset_id', '=', rulesetId).execute()
    },

    async rulesetOf(id) {
      const row = await database
        .selectFrom('hunts')
        .innerJoin('rulesets', 'rulesets.id', 'hunts.ruleset_id')
        .select(['rulesets.state', 'rulesets.reason'])
        .where('hunts.id', '=', id)
        .executeTakeFirst()
      return row ?? null
    },

    async findExisting(ids) {
      const rows = await database.selectFrom('hunts').select('id').where('id', 'in', listOf(ids)).execute()
      return new Set(rows.map(({ id }) => id))
    },
  }
}

function toListed<Row extends { readonly use_index: 0 | 1 }>({ use_index, ...row }: Row) {
  return { ...row, useIndex: use_index === 1 }
}
