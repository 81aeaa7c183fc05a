import { type RawBuilder, sql } from 'kysely'
import type { FeedRule } from '../../tca/index.ts'
import type { FeedRange, StoredFeeds } from '../feeds.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { portionsOf } from './list.ts'

export function sqlFeeds(database: Database, { listOf }: Engine): StoredFeeds {
  const inRange = ({ tenantId, feed, from, to }: FeedRange) =>
    database
      .selectFrom('feed_entries')
      .where('feed_entries.tenant_id', '=', tenantId)
      .where('feed', '=', feed)
      .where('second', '>=', from)
      .where('second', '<=', to)

  const deleteSome = async (condition: RawBuilder<boolean>, most: number): Promise<boolean> => {
    const { numDeletedRows } = await database
      .deleteFrom('feed_entries')
      .where('id', 'in', (eb) => eb.selectFrom('feed_entries').select('id').where(condition).limit(most))
      .executeTakeFirst()
    return numDeletedRows > 0n
  }

  /** Entries that are there get the rules that they lack, and come once more. */
  const extend: (...given: Parameters<StoredFeeds['add']>) => Promise<void> = async (
    { feed, second, sampleId },
    entries,
  ) => {
    const known = await database
      .selectFrom('feed_entries')
      .select(['id', 'ruleset_id as rulesetId', 'rules'])
      .where('feed', '=', feed)
      .where('sample_id', '=', sampleId)
      .where('ruleset_id', 'in', listOf(entries.map(({ rulesetId }) => rulesetId)))
      .execute()
    for (const { id, rulesetId, rules } of known) {
      const before: readonly FeedRule[] = JSON.parse(rules)
      const names = new Set(before.map(({ identifier }) => identifier))
      const found = entries.find((entry) => entry.rulesetId === rulesetId)?.rules ?? []
      const more = found.filter(({ identifier }) => !names.has(identifier))
      if (more.length === 0) continue
      const extended = { second, rules: JSON.stringify([...before, ...more]) }
      await database.updateTable('feed_entries').set(extended).where('id', '=', id).execute()
    }
  }

  return {
    async add({ feed, second, sampleId }, entries) {
      await extend({ feed, second, sampleId }, entries)
      let added = 0
      for (const some of portionsOf(entries, 6)) {
        const { numInsertedOrUpdatedRows = 0n } = await database
          .insertInto('feed_entries')
          .values(
            some.map(({ tenantId, rulesetId, rules }) => ({
              tenant_id: tenantId,
              feed,
              second,
              ruleset_id: rulesetId,
              sample_id: sampleId,
              rules: JSON.stringify(rules),
            })),
          )
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
        added += Number(numInsertedOrUpdatedRows)
      }
      return added
    },

    async list(range) {
      const rows = await inRange(range)
        .innerJoin('samples', 'samples.id', 'feed_entries.sample_id')
        .innerJoin('rulesets', 'rulesets.id', 'feed_entries.ruleset_id')
        .select(['feed_entries.second', 'feed_entries.rules', 'rulesets.name', 'rulesets.digest'])
        .select(['samples.sha1', 'samples.sha256', 'samples.file_type', 'samples.size', 'samples.first_seen'])
        .orderBy('feed_entries.second')
        .orderBy('feed_entries.id')
        .execute()
      return rows.map((row) => ({
        second: row.second,
        ruleset: row.name,
        digest: row.digest?.toHex() ?? '',
        sha1: row.sha1?.toHex() ?? '',
        sha256: row.sha256?.toHex() ?? '',
        fileType: row.file_type,
        fileSize: row.size,
        firstSeen: row.first_seen,
        rules: JSON.parse(row.rules) as FeedRule[],
      }))
    },

    async secondOfNth(range, n) {
      const row = await inRange(range)
        .select('second')
        .orderBy('second')
        .orderBy('id')
        .limit(1)
        .offset(n - 1)
        .executeTakeFirst()
      return row?.second ?? null
    },

    async isEmpty(range) {
      const row = await inRange(range).select('id').limit(1).executeTakeFirst()
      return row === undefined
    },

    async lastSecond(rulesetId, feed) {
      const { last } = await database
        .selectFrom('feed_entries')
        .select(({ fn }) => fn.max<number | null>('second').as('last'))
        .where('ruleset_id', '=', rulesetId)
        .where('feed', '=', feed)
        .executeTakeFirstOrThrow()
      return last
    },

    deleteSome: (rulesetId, most) => deleteSome(sql<boolean>`ruleset_id = ${rulesetId}`, most),

    deleteSomeBefore: (second, most) => deleteSome(sql<boolean>`second < ${second}`, most),

    async deleteOfRuleset(rulesetId, feed) {
      await database.deleteFrom('feed_entries').where('ruleset_id', '=', rulesetId).where('feed', '=', feed).execute()
    },
  }
}
