import type { StoredOutbox } from '../outbox.ts'
import type { Database } from './database.ts'

export function sqlOutbox(database: Database): StoredOutbox {
  return {
    async find(name) {
      const row = await database
        .selectFrom('cloud_deliveries')
        .select(['id', 'name', 'ruleset_id as rulesetId', 'revision_id as revisionId', 'attempts', 'problem'])
        .where('name', '=', name)
        .executeTakeFirst()
      return row ?? null
    },

    async add({ name, rulesetId, revisionId, at }) {
      await database
        .insertInto('cloud_deliveries')
        .values({ name, ruleset_id: rulesetId, revision_id: revisionId, created: at, due: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async delete(id) {
      const { numDeletedRows } = await database.deleteFrom('cloud_deliveries').where('id', '=', id).executeTakeFirst()
      return numDeletedRows > 0n
    },

    async deleteByName(name) {
      await database.deleteFrom('cloud_deliveries').where('name', '=', name).execute()
    },

    async deleteRemovals() {
      await database.deleteFrom('cloud_deliveries').where('revision_id', 'is', null).execute()
    },

    async findDue(at, most) {
      const rows = await database
        .selectFrom('cloud_deliveries')
        .select('name')
        .where('due', '<=', at)
        .orderBy('due')
        .limit(most)
        .execute()
      return rows.map(({ name }) => name)
    },

    async nextDue() {
      const { next } = await database
        .selectFrom('cloud_deliveries')
        .select(({ fn }) => fn.min<number | null>('due').as('next'))
        .executeTakeFirstOrThrow()
      return next
    },

    async makeDue(now) {
      await database.updateTable('cloud_deliveries').set({ due: now }).where('due', '>', now).execute()
    },

    async postpone(id, { attempts, due, problem }) {
      await database.updateTable('cloud_deliveries').set({ attempts, due, problem }).where('id', '=', id).execute()
    },

    async backlog() {
      return database
        .selectFrom('cloud_deliveries')
        .select(({ fn }) => [fn.countAll<number>().as('waiting'), fn.min<number | null>('created').as('oldest')])
        .executeTakeFirstOrThrow()
    },
  }
}
