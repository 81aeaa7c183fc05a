import type { StoredSessions } from '../sessions.ts'
import type { Database } from './database.ts'

export function sqlSessions(database: Database): StoredSessions {
  return {
    async findByHash(hash, { usedBefore, createdBefore }) {
      const row = await database
        .selectFrom('sessions')
        .innerJoin('users', 'users.id', 'sessions.user_id')
        .select([
          'sessions.id as sessionId',
          'sessions.created',
          'sessions.last_used as lastUsed',
          'sessions.provider_session as providerSession',
          'users.id',
          'users.name',
          'users.role',
        ])
        .where('sessions.hash', '=', hash)
        .where('sessions.last_used', '>=', usedBefore)
        .where('sessions.created', '>=', createdBefore)
        .where('users.removed', 'is', null)
        .where('users.disabled', 'is', null)
        .executeTakeFirst()
      if (!row) return null
      const { sessionId, created, lastUsed, providerSession, ...user } = row
      return { sessionId, created, lastUsed, providerSession, user }
    },

    async add({ userId, hash, created, providerSession }) {
      await database
        .insertInto('sessions')
        .values({ user_id: userId, hash, created, last_used: created, provider_session: providerSession })
        .execute()
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

    async deleteOfProvider(issuer, of) {
      const { numDeletedRows } = await database
        .deleteFrom('sessions')
        .where('provider_session', 'is not', null)
        .where('user_id', 'in', (eb) =>
          eb
            .selectFrom('identities')
            .select('user_id')
            .where('issuer', '=', issuer)
            .$if('subject' in of, (query) => query.where('subject', '=', 'subject' in of ? of.subject : '')),
        )
        .$if('session' in of, (query) => query.where('provider_session', '=', 'session' in of ? of.session : ''))
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    },

    async deleteEnded({ usedBefore, createdBefore }) {
      await database
        .deleteFrom('sessions')
        .where((eb) => eb('last_used', '<', usedBefore).or('created', '<', createdBefore))
        .execute()
    },
  }
}
