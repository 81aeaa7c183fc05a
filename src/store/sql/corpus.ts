import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { parseQuery } from '../../query/index.ts'
import type { Selection, StoredCorpus } from '../corpus.ts'
import type { Schema } from '../schema.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { families, sqlOf } from './sample-conditions.ts'

export function sqlCorpus(database: Database, engine: Engine): StoredCorpus {
  const { listOf, samplesByListing } = engine
  const stored = () => database.selectFrom('samples').where('stored', '=', 1)
  const processed = () => stored().where('state', '=', 'processed')
  /** An archive that is unpacked again waits in the queue, and is a sample like all others meanwhile. */
  const again = () => stored().where('state', '=', 'queued').where('processed_at', 'is not', null)
  const onceProcessed = () =>
    stored().where((eb) => eb.or([eb('state', '=', 'processed'), eb('processed_at', 'is not', null)]))

  /** Two queries, since each has its index. In order of ids. */
  async function ofBoth<T extends { readonly id: number }>(
    ask: (samples: ReturnType<typeof processed>) => Promise<T[]>,
  ): Promise<T[]> {
    const [most, few] = [await ask(processed()), await ask(again())]
    return few.length === 0 ? most : [...most, ...few].sort((one, other) => one.id - other.id)
  }

  return {
    async processedIds(after, upTo) {
      const rows = await ofBoth((samples) =>
        samples.select('id').where('id', '>', after).where('id', '<=', upTo).orderBy('id').execute(),
      )
      return Uint32Array.from(rows, ({ id }) => id)
    },

    // How many there are in all is known; so the fewer are counted, those in the range or those outside of it: counting a
    // million takes longer than a hunt should.
    async count(after, upTo) {
      const rows = processed().select(({ fn }) => fn.countAll<number>().as('rows'))
      const { last } = await processed()
        .select(({ fn }) => fn.max<number | null>('id').as('last'))
        .executeTakeFirstOrThrow()
      if (upTo - after <= after + (last ?? 0) - upTo) {
        const within = await rows.where('id', '>', after).where('id', '<=', upTo).executeTakeFirstOrThrow()
        return within.rows
      }
      const all = await countedProcessed(database)
      const before = await rows.where('id', '<=', after).executeTakeFirstOrThrow()
      const behind = await rows.where('id', '>', upTo).executeTakeFirstOrThrow()
      return all.samples - before.rows - behind.rows
    },

    whole: () => countedProcessed(database),

    async countListed() {
      const { rows } = await sql<{ listed: number }>`
        SELECT count(*) AS listed FROM ${samplesByListing}
        WHERE stored = 1 AND state = 'processed'`.execute(database)
      return rows[0]?.listed ?? 0
    },

    async lastId() {
      const last = (samples: ReturnType<typeof processed>) =>
        samples.select(({ fn }) => fn.max<number | null>('id').as('last')).executeTakeFirstOrThrow()
      return Math.max((await last(processed())).last ?? 0, (await last(again())).last ?? 0)
    },

    async countStoredBelow(id) {
      const { count } = await database
        .selectFrom('sample_counts')
        .select(({ fn, selectFrom, eb }) =>
          eb(
            fn.coalesce(fn.sum<number>('samples'), eb.lit(0)),
            '-',
            selectFrom('samples')
              .select((eb) => eb.fn.countAll<number>().as('later'))
              .where('stored', '=', 1)
              .where('id', '>=', id),
          ).as('count'),
        )
        .executeTakeFirstOrThrow()
      return count
    },

    async sizes(from, upTo) {
      return database
        .selectFrom('samples')
        .select(['id', 'size'])
        .where('stored', '=', 1)
        .where('id', '>=', from)
        .where('id', '<=', upTo)
        .execute()
    },

    async findToScan(ids) {
      const rows = await onceProcessed()
        .select(['id', 'sha256', 'size', 'name', 'file_type as fileType'])
        .where('id', 'in', listOf(ids))
        .execute()
      return rows.map((row) => ({ ...row, sha256: row.sha256 as Uint8Array }))
    },

    async findNames(ids) {
      return onceProcessed()
        .select(['id', 'name', 'file_type as fileType'])
        .where('id', 'in', listOf(ids))
        .orderBy('id')
        .execute()
    },

    async select(selection, from, upTo) {
      return ofBoth((samples) =>
        narrowed(engine, samples.select(['id', 'size']), selection)
          .where('id', '>=', from)
          .where('id', '<=', upTo)
          .orderBy('id')
          .execute(),
      )
    },

    async covered({ since, upTo, maxBytes }) {
      const rows = await ofBoth((samples) =>
        samples
          .select('id')
          .where('id', '<=', upTo)
          .where('size', '<=', maxBytes)
          .where(sql<boolean>`(last_seen >= ${since} OR processed_at >= ${since})`)
          .where(sql<boolean>`file_type NOT LIKE 'Binary/Archive/%'`)
          .orderBy('id')
          .execute(),
      )
      return Uint32Array.from(rows, ({ id }) => id)
    },
  }
}

async function countedProcessed(database: Database): Promise<{ samples: number; bytes: number }> {
  const { samples, bytes } = await database
    .selectFrom('sample_counts')
    .select(({ fn, lit }) => [
      fn.coalesce(fn.sum<number>('samples'), lit(0)).as('samples'),
      fn.coalesce(fn.sum<number>('bytes'), lit(0)).as('bytes'),
    ])
    .where('state', '=', 'processed')
    .executeTakeFirstOrThrow()
  return { samples, bytes }
}

type SampleQuery = SelectQueryBuilder<Schema, 'samples', { id: number; size: number }>

function narrowed(engine: Engine, query: SampleQuery, selection: Selection): SampleQuery {
  const { fileTypes, tags, hashes } = selection
  const ranges = [
    ['first_seen', '>=', selection.firstSeenFrom],
    ['first_seen', '<=', selection.firstSeenTo],
    ['last_seen', '>=', selection.lastSeenFrom],
    ['last_seen', '<=', selection.lastSeenTo],
    ['size', '>=', selection.minSize],
    ['size', '<=', selection.maxSize],
  ] as const
  for (const [column, operator, bound] of ranges) {
    if (bound !== undefined) query = query.where(column, operator, bound)
  }
  if (selection.classifications) query = query.where('classification', 'in', [...selection.classifications])
  if (fileTypes) {
    query = query.where(
      anyOf(
        fileTypes
          .flatMap(meantBy)
          .map((type) => sql`(file_type = ${type} OR substr(file_type, 1, ${type.length + 1}) = ${`${type}/`})`),
      ),
    )
  }
  if (tags) {
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('tags')
          .select('tags.tag')
          .whereRef('tags.sample_id', '=', 'samples.id')
          .where('tags.tag', 'in', [...tags]),
      ),
    )
  }
  if (selection.namePattern !== undefined) {
    query = query.where(engine.like(sql`name`, likeOf(selection.namePattern)))
  }
  if (selection.query !== undefined) {
    const { condition, problem } = parseQuery(selection.query)
    if (problem) query = query.where(sql<boolean>`FALSE`)
    else if (condition) query = query.where(sqlOf(engine, condition))
  }
  if (hashes) {
    query = query.where(({ or }) =>
      or(hashKinds.map((kind) => sql<boolean>`${sql.ref(kind)} IN ${engine.bytesOf(hashes)}`)),
    )
  }
  return query
}

/** A tree of pairs: SQLite reads a row of alternatives as one inside the other, and takes a thousand levels at most. */
function anyOf(conditions: readonly RawBuilder<unknown>[]): RawBuilder<boolean> {
  if (conditions.length === 0) return sql`FALSE`
  if (conditions.length === 1) return sql`${conditions[0]}`
  const half = conditions.length >> 1
  return sql`(${anyOf(conditions.slice(0, half))} OR ${anyOf(conditions.slice(half))})`
}

function meantBy(type: string): readonly string[] {
  return families[type] ?? [type]
}

const hashKinds = ['md5', 'sha1', 'sha256', 'sha512'] as const

/** Of a pattern where `*` is any text and `?` any character. */
function likeOf(pattern: string): string {
  return pattern
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_')
}
