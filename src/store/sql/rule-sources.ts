import { sql } from 'kysely'
import type { SourceUpdates, StoredRuleSource, StoredRuleSources } from '../rule-sources.ts'
import type { Flag } from '../schema.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

const updateNumbers = { none: 0, known: 1, all: 2 } as const satisfies Record<SourceUpdates, number>
const updateWords = ['none', 'known', 'all'] as const
const wantedNumbers = { import: 1, overwrite: 2 } as const
const flag = (value: boolean): Flag => (value ? 1 : 0)

export function sqlRuleSources(database: Database, { listOf, textsOf }: Engine): StoredRuleSources {
  const sources = () =>
    database
      .selectFrom('rule_sources')
      .innerJoin('users', 'users.id', 'rule_sources.owner_id')
      .selectAll('rule_sources')
      .select(['users.name as ownerName', 'users.role as ownerRole'])
  return {
    async find(id) {
      const row = await sources().where('rule_sources.id', '=', id).executeTakeFirst()
      return row ? toSource(row) : null
    },

    async findByName(name) {
      const row = await sources().where('rule_sources.name', '=', name).executeTakeFirst()
      return row ? toSource(row) : null
    },

    async list() {
      return (await sources().orderBy('rule_sources.id').limit(10_000).execute()).map(toSource)
    },

    async add({ ownerId, updates, deletes, wanted, created, ...rest }) {
      const { id } = await database
        .insertInto('rule_sources')
        .values({
          ...rest,
          owner_id: ownerId,
          updates: updateNumbers[updates],
          deletes: flag(deletes),
          wanted: wanted && wantedNumbers[wanted],
          created,
          modified: created,
          version: null,
          synced: null,
          problem: null,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async change(id, { updates, deletes, wanted, ...rest }) {
      await database
        .updateTable('rule_sources')
        .set({
          ...rest,
          ...(updates !== undefined && { updates: updateNumbers[updates] }),
          ...(deletes !== undefined && { deletes: flag(deletes) }),
          ...(wanted !== undefined && { wanted: wanted && wantedNumbers[wanted] }),
        })
        .where('id', '=', id)
        .execute()
    },

    async delete(id) {
      await database.deleteFrom('rule_sources').where('id', '=', id).execute()
    },

    async changeOwner(from, to) {
      await database.updateTable('rule_sources').set({ owner_id: to }).where('owner_id', '=', from).execute()
    },

    async reschedule(due, { failed }) {
      await database
        .updateTable('rule_sources')
        .set({ due })
        .where('updates', '>', 0)
        .$if(!failed, (query) => query.where('failures', '=', 0).where('wanted', 'is', null))
        .execute()
    },

    async findDue(at) {
      const rows = await database
        .selectFrom('rule_sources')
        .select('id')
        .where('due', '<=', at)
        .orderBy('due')
        .execute()
      return rows.map(({ id }) => id)
    },

    async nextDue(but) {
      const row = await database
        .selectFrom('rule_sources')
        .select(({ fn }) => fn.min<number | null>('due').as('due'))
        .where('id', 'not in', listOf(but))
        .executeTakeFirst()
      return row?.due ?? null
    },

    async files(id) {
      const rows = await database
        .selectFrom('rule_source_files')
        .select(['path', 'state', 'digest', 'disabled', 'problem'])
        .where('source_id', '=', id)
        .orderBy('path')
        .execute()
      return rows.map(({ disabled, ...row }) => ({ ...row, disabled: disabled === 1 }))
    },

    async putFiles(id, files) {
      for (const { path, disabled, ...file } of files) {
        const row = { ...file, disabled: flag(disabled) }
        await database
          .insertInto('rule_source_files')
          .values({ source_id: id, path, ...row })
          .onConflict((conflict) => conflict.columns(['source_id', 'path']).doUpdateSet(row))
          .execute()
      }
    },

    async deleteFiles(id, paths) {
      await database
        .deleteFrom('rule_source_files')
        .where('source_id', '=', id)
        .where('path', 'in', textsOf(paths))
        .execute()
    },

    async rulesetsOf(id) {
      const isCurrent = sql<Flag>`CASE WHEN current.source_id = ${id}
        AND current.source_path IS NOT DISTINCT FROM came.source_path THEN 1 ELSE 0 END`
      const rows = await database
        .selectFrom('revisions as came')
        .innerJoin('rulesets', 'rulesets.id', 'came.ruleset_id')
        .innerJoin('revisions as current', 'current.id', 'rulesets.revision_id')
        .select(['came.source_path as path', 'rulesets.name', 'current.number as revision', 'rulesets.enabled'])
        .select(['rulesets.state', 'rulesets.reason', 'current.text_digest as digest'])
        .select(isCurrent.as('isCurrent'))
        .where('came.source_id', '=', id)
        .groupBy(['came.source_path', 'rulesets.id', 'current.id'])
        .orderBy('came.source_path')
        .orderBy('rulesets.id')
        .execute()
      const latest = new Map(rows.map((row) => [row.path ?? '', row]))
      return [...latest].map(([path, { isCurrent, enabled, revision, digest, ...row }]) => ({
        ...row,
        digest: digest?.toHex() ?? null,
        path,
        revision,
        isCurrent: isCurrent === 1,
        enabled: enabled === 1,
      }))
    },

    async rulesetNames() {
      const rows = await database.selectFrom('rulesets').select('name').where('tenant_id', 'is', null).execute()
      return rows.map(({ name }) => name)
    },
  }
}

type SourceRow = Omit<StoredRuleSource, 'owner' | 'updates' | 'deletes' | 'wanted'> & {
  readonly owner_id: number
  readonly ownerName: string
  readonly ownerRole: StoredRuleSource['owner']['role']
  readonly updates: number
  readonly deletes: Flag
  readonly wanted: number | null
}

function toSource({ owner_id, ownerName, ownerRole, updates, deletes, wanted, ...row }: SourceRow): StoredRuleSource {
  return {
    ...row,
    owner: { id: owner_id, name: ownerName, role: ownerRole },
    updates: updateWords[updates as 0 | 1 | 2],
    deletes: deletes === 1,
    wanted: wanted === null ? null : wanted === 2 ? 'overwrite' : 'import',
  }
}
