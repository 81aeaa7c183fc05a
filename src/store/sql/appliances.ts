import type { StoredAppliance, StoredAppliances } from '../appliances.ts'
import type { Database } from './database.ts'

export function sqlAppliances(database: Database): StoredAppliances {
  const rows = () =>
    database.selectFrom('appliances').select(['id', 'name', 'disabled', 'created', 'last_seen', 'report'])
  return {
    async findByName(name) {
      const row = await rows().where('name', '=', name).executeTakeFirst()
      return row ? toAppliance(row) : null
    },

    async findByToken(hash) {
      const row = await rows().where('token_hash', '=', hash).executeTakeFirst()
      return row ? toAppliance(row) : null
    },

    async list() {
      return (await rows().orderBy('name').limit(10_000).execute()).map(toAppliance)
    },

    async add({ name, tokenHash, created }) {
      const { id } = await database
        .insertInto('appliances')
        .values({ name, token_hash: tokenHash, created })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async setToken(id, hash) {
      await database.updateTable('appliances').set({ token_hash: hash }).where('id', '=', id).execute()
    },

    async setDisabled(id, disabled) {
      await database
        .updateTable('appliances')
        .set({ disabled: disabled ? 1 : 0 })
        .where('id', '=', id)
        .execute()
    },

    async recordSeen(id, at) {
      await database.updateTable('appliances').set({ last_seen: at }).where('id', '=', id).execute()
    },

    async recordReport(id, report) {
      await database.updateTable('appliances').set({ report }).where('id', '=', id).execute()
    },

    async delete(id) {
      await database.deleteFrom('appliances').where('id', '=', id).execute()
    },
  }
}

function toAppliance({
  disabled,
  last_seen,
  ...rest
}: Omit<StoredAppliance, 'disabled' | 'lastSeen'> & {
  readonly disabled: 0 | 1
  readonly last_seen: number | null
}): StoredAppliance {
  return { ...rest, disabled: disabled === 1, lastSeen: last_seen }
}
