import type { StoredSessions } from '../sessions.ts'
import type { Database } from './database.ts'

export function sqliteSessions(database: Database): StoredSessions {
  return {
    async findByHash(hash, { usedBefore, createdBefore }) {
      const row = await database
        .selectFrom('sessions')
        .innerJoin('users', 'users.id', 'sessions.user_id')
        .select(['sessions.id as sessionId', 'sessions.last_used as lastUsed', 'users.id', 'users.name', 'users.role'])
        .where('sessions.hash', '=', hash)
        .where('sessions.last_used', '>=', usedBefore)
        .where('sessions.created', '>=', createdBefore)
        .where('users.removed', 'is', null)
        .where('users.disabled', 'is', null)
        .executeTakeFirst()
      if (!row) return null
      const { sessionId, lastUsed, ...user } = row
      return { sessionId, lastUsed, user }
    },

    async add({ userId, hash, created }) {
      await database.insertInto('sessions').values({ user_id: userId, hash, created, last_used: created }).execute()
    },

    async recordUse(id, at) {
      await database.updateTable('sessions').set({ last_used: at }).where('id', '=', id).execute()
    },

    async delete(hash) {
      await database.deleteFrom('sessions').where('hash', '=', hash).execute()
    },

    async deleteAll(userId) {
      await database.deleteFrom('sessions').where('user_id', '=', userId).execute()
    },

    async deleteEnded({ usedBefore, createdBefore }) {
      await database
        .deleteFrom('sessions')
        .where((eb) => eb('last_used', '<', usedBefore).or('created', '<', createdBefore))
        .execute()
    },
  }
}
