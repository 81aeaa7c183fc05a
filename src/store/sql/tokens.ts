import type { StoredTokens } from '../tokens.ts'
import type { Database } from './database.ts'

export function sqlTokens(database: Database): StoredTokens {
  return {
    async findByHash(hash) {
      const row = await database
        .selectFrom('tokens')
        .innerJoin('users', 'users.id', 'tokens.user_id')
        .select(['tokens.id as tokenId', 'tokens.last_used as lastUsed', 'tokens.expires', 'tokens.scope'])
        .select(['users.id', 'users.name', 'users.role'])
        .where('tokens.hash', '=', hash)
        .where('users.removed', 'is', null)
        .where('users.disabled', 'is', null)
        .executeTakeFirst()
      if (!row) return null
      const { id, name, role, scope, ...token } = row
      return { ...token, scope: scopeOf(scope), user: { id, name, role } }
    },

    async list(userId, most) {
      const rows = await database
        .selectFrom('tokens')
        .leftJoin('users as creator', 'creator.id', 'tokens.creator_id')
        .select(['tokens.id', 'label', 'tokens.created', 'tokens.last_used as lastUsed', 'expires', 'scope'])
        .select('creator.name as creator')
        .where('user_id', '=', userId)
        .orderBy('tokens.id', 'desc')
        .limit(most)
        .execute()
      return rows.map(({ scope, ...row }) => ({ ...row, scope: scopeOf(scope) }))
    },

    async add({ userId, hash, label, created, expires = null, scope = null, creatorId = null }) {
      const { id } = await database
        .insertInto('tokens')
        .values({
          user_id: userId,
          hash,
          label,
          created,
          last_used: null,
          expires,
          scope: scope && JSON.stringify(scope),
          creator_id: creatorId,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async recordUse(id, at) {
      await database.updateTable('tokens').set({ last_used: at }).where('id', '=', id).execute()
    },

    async delete(userId, id) {
      const { numDeletedRows } = await database
        .deleteFrom('tokens')
        .where('id', '=', id)
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },

    async deleteAll(userId) {
      await database.deleteFrom('tokens').where('user_id', '=', userId).execute()
    },

    async deleteLabelled(userId, label) {
      await database.deleteFrom('tokens').where('user_id', '=', userId).where('label', '=', label).execute()
    },

    async keepLatest(userId, label, kept) {
      const newest = database
        .selectFrom('tokens')
        .where('user_id', '=', userId)
        .where('label', '=', label)
        .select('id')
        .orderBy((eb) => eb.fn.coalesce('last_used', 'created'), 'desc')
        .orderBy('id', 'desc')
        .limit(kept)
      const { numDeletedRows } = await database
        .deleteFrom('tokens')
        .where('user_id', '=', userId)
        .where('label', '=', label)
        .where('id', 'not in', newest)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },

    async makeRoomFor(userId, label, hash) {
      const same = await database.selectFrom('tokens').select('user_id').where('hash', '=', hash).executeTakeFirst()
      if (same?.user_id === userId) return false
      await database
        .deleteFrom('tokens')
        .where((eb) => eb('hash', '=', hash).or(eb('user_id', '=', userId).and('label', '=', label)))
        .execute()
      return true
    },
  }
}

/** A JSON array, null for none. */
function scopeOf(text: string | null): readonly string[] | null {
  return text === null ? null : JSON.parse(text)
}
