import type {
  Publication,
  SharedBesideOwn,
  SharedRuleset,
  StoredPublications,
  StoredSharedRulesets,
} from '../shared-rulesets.ts'
import type { SharedRulesetsTable } from '../shared-tables.ts'
import type { Database } from './database.ts'

export function sqlSharedRulesets(database: Database): StoredSharedRulesets {
  const besideOwn = () =>
    database
      .selectFrom('shared_rulesets')
      .leftJoin('rulesets', (join) =>
        join.onRef('rulesets.name', '=', 'shared_rulesets.name').on('rulesets.tenant_id', 'is', null),
      )
      .leftJoin('revisions', 'revisions.id', 'rulesets.revision_id')
      .selectAll('shared_rulesets')
      .select([
        'rulesets.id as ownId',
        'rulesets.enabled as ownEnabled',
        'rulesets.core as ownCore',
        'rulesets.state as ownState',
        'rulesets.reason as ownReason',
        'rulesets.revision_id as ownRevisionId',
        'revisions.text_digest as ownDigest',
      ])
      .select(({ selectFrom, fn }) =>
        selectFrom('publications')
          .select(fn.countAll<number>().as('n'))
          .whereRef('publications.name', '=', 'shared_rulesets.name')
          .as('waiting'),
      )
  type Row = Awaited<ReturnType<ReturnType<typeof besideOwn>['executeTakeFirstOrThrow']>>
  const toBesideOwn = (row: Row): SharedBesideOwn => {
    const { ownId, ownEnabled, ownCore, ownState, ownReason, ownRevisionId, ownDigest, waiting, ...shared } = row
    const own =
      ownId === null || ownState === null
        ? null
        : {
            enabled: ownEnabled === 1,
            core: ownCore === 1,
            state: ownState,
            reason: ownReason,
            digest: ownDigest === null ? null : Buffer.from(ownDigest).toString('hex'),
            revisionId: ownRevisionId,
          }
    return { ...toShared(shared), own, waiting: waiting ?? 0 }
  }
  return {
    async find(name) {
      const row = await database.selectFrom('shared_rulesets').selectAll().where('name', '=', name).executeTakeFirst()
      return row ? toShared(row) : null
    },

    async list() {
      return (await besideOwn().orderBy('shared_rulesets.name').execute()).map(toBesideOwn)
    },

    async findBesideOwn(name) {
      const row = await besideOwn().where('shared_rulesets.name', '=', name).executeTakeFirst()
      return row ? toBesideOwn(row) : null
    },

    async put({ takenState, enabled, ...rest }) {
      const row: SharedRulesetsTable = {
        ...pick(rest),
        enabled: enabled ? 1 : 0,
        taken_digest: takenState.digest,
        taken_enabled: takenState.enabled ? 1 : 0,
      }
      await database
        .insertInto('shared_rulesets')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute()
    },

    async delete(name) {
      await database.deleteFrom('shared_rulesets').where('name', '=', name).execute()
    },

    async clear() {
      await database.deleteFrom('shared_rulesets').execute()
    },
  }
}

/** What else a caller's object has is no column. */
function pick({
  name,
  sequence,
  version,
  digest,
  author,
  appliance,
  time,
  taken,
  problem,
}: Omit<SharedRuleset, 'enabled' | 'takenState'>) {
  return { name, sequence, version, digest, author, appliance, time, taken, problem }
}

function toShared({ enabled, taken_digest, taken_enabled, ...rest }: SharedRulesetsTable): SharedRuleset {
  return { ...rest, enabled: enabled === 1, takenState: { digest: taken_digest, enabled: taken_enabled === 1 } }
}

export function sqlPublications(database: Database): StoredPublications {
  const rows = () =>
    database
      .selectFrom('publications')
      .select(['id', 'name', 'change_id as change', 'digest', 'enabled', 'author', 'created', 'attempts', 'problem'])
  const toPublication = (row: Omit<Publication, 'enabled'> & { readonly enabled: 0 | 1 }): Publication => ({
    ...row,
    enabled: row.enabled === 1,
  })
  return {
    async add({ change, enabled, ...rest }) {
      await database
        .insertInto('publications')
        .values({ ...rest, change_id: change, enabled: enabled ? 1 : 0, due: rest.created })
        .execute()
    },

    async first(name) {
      const row = await rows().where('name', '=', name).orderBy('id').limit(1).executeTakeFirst()
      return row ? toPublication(row) : null
    },

    async last(name) {
      const row = await rows().where('name', '=', name).orderBy('id', 'desc').limit(1).executeTakeFirst()
      return row ? toPublication(row) : null
    },

    async findByChange(change) {
      const row = await rows().where('change_id', '=', change).executeTakeFirst()
      return row ? toPublication(row) : null
    },

    async findDue(at, most) {
      const due = await database
        .selectFrom('publications')
        .select(['name', ({ fn }) => fn.min<number>('due').as('due')])
        .where('due', '<=', at)
        // One that waits behind another of its name is not due before that.
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('publications as before')
                .select('before.id')
                .whereRef('before.name', '=', 'publications.name')
                .whereRef('before.id', '<', 'publications.id'),
            ),
          ),
        )
        .groupBy('name')
        .orderBy('due')
        .orderBy('name')
        .limit(most)
        .execute()
      return due.map(({ name }) => name)
    },

    async nextDue() {
      const { next } = await database
        .selectFrom('publications')
        .select(({ fn }) => fn.min<number | null>('due').as('next'))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('publications as before')
                .select('before.id')
                .whereRef('before.name', '=', 'publications.name')
                .whereRef('before.id', '<', 'publications.id'),
            ),
          ),
        )
        .executeTakeFirstOrThrow()
      return next
    },

    async makeDue(now) {
      await database.updateTable('publications').set({ due: now }).where('due', '>', now).execute()
    },

    async countAttempt(id) {
      await database
        .updateTable('publications')
        .set(({ eb }) => ({ attempts: eb('attempts', '+', 1) }))
        .where('id', '=', id)
        .execute()
    },

    async postpone(id, { due, problem }) {
      await database.updateTable('publications').set({ due, problem }).where('id', '=', id).execute()
    },

    async delete(id) {
      const { numDeletedRows } = await database.deleteFrom('publications').where('id', '=', id).executeTakeFirst()
      return numDeletedRows > 0n
    },

    async deleteUnsent(name) {
      await database.deleteFrom('publications').where('name', '=', name).where('attempts', '=', 0).execute()
    },

    async clear() {
      const { numDeletedRows } = await database.deleteFrom('publications').executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
