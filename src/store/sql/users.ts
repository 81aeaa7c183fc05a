import type { StoredUsers } from '../users.ts'
import type { Database } from './database.ts'

export function sqlUsers(database: Database): StoredUsers {
  return {
    async findByName(name) {
      const row = await database
        .selectFrom('users')
        .select(['id', 'name', 'role', 'password_hash as passwordHash', 'contributes', 'disabled'])
        .where('name', '=', name)
        .where('removed', 'is', null)
        .executeTakeFirst()
      return row ? { ...row, contributes: row.contributes === 1, disabled: row.disabled !== null } : null
    },

    async findByIdentity({ issuer, subject }) {
      const row = await database
        .selectFrom('identities')
        .innerJoin('users', 'users.id', 'identities.user_id')
        .select(['id', 'name', 'role', 'password_hash as passwordHash', 'contributes', 'disabled'])
        .where('issuer', '=', issuer)
        .where('subject', '=', subject)
        .where('removed', 'is', null)
        .executeTakeFirst()
      return row ? { ...row, contributes: row.contributes === 1, disabled: row.disabled !== null } : null
    },

    async addIdentity(userId, { issuer, subject }) {
      await database.insertInto('identities').values({ user_id: userId, issuer, subject }).execute()
    },

    async list(most) {
      const rows = await database
        .selectFrom('users')
        .select(['id', 'name', 'role', 'created', 'contributes', 'disabled', 'last_log_in as lastLogIn'])
        .select(({ selectFrom }) => [
          selectFrom('tokens')
            .select(({ fn }) => fn.max('last_used').as('used'))
            .whereRef('user_id', '=', 'users.id')
            .as('tokenUsed'),
          selectFrom('sessions')
            .select(({ fn }) => fn.max('last_used').as('used'))
            .whereRef('user_id', '=', 'users.id')
            .as('sessionUsed'),
        ])
        .where('removed', 'is', null)
        .orderBy('name')
        .limit(most)
        .execute()
      return rows.map((row) => ({ ...row, contributes: row.contributes === 1, disabled: row.disabled !== null }))
    },

    async findFirstAdministrator() {
      const row = await database
        .selectFrom('users')
        .select(['id', 'name', 'role'])
        .where('role', '=', 'administrator')
        .where('removed', 'is', null)
        .where('disabled', 'is', null)
        .orderBy('id')
        .executeTakeFirst()
      return row ?? null
    },

    async hasAdministratorWithPassword() {
      const row = await database
        .selectFrom('users')
        .select('id')
        .where('role', '=', 'administrator')
        .where('removed', 'is', null)
        .where('password_hash', '!=', '')
        .executeTakeFirst()
      return row !== undefined
    },

    async add({ name, passwordHash, role, contributes, created }) {
      const { id } = await database
        .insertInto('users')
        .values({ name, password_hash: passwordHash, role, contributes: contributes ? 1 : 0, created, removed: null })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async setRole(id, role) {
      await database.updateTable('users').set({ role }).where('id', '=', id).execute()
    },

    async setDisabled(id, since) {
      await database.updateTable('users').set({ disabled: since }).where('id', '=', id).execute()
    },

    async setPasswordHash(id, passwordHash) {
      await database.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', id).execute()
    },

    async recordLogIn(id, at) {
      await database.updateTable('users').set({ last_log_in: at }).where('id', '=', id).execute()
    },

    async markRemoved(id, at) {
      await database.updateTable('users').set({ removed: at, password_hash: '' }).where('id', '=', id).execute()
      await database.deleteFrom('identities').where('user_id', '=', id).execute()
    },
  }
}
