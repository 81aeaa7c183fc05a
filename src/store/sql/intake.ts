import { type RawBuilder, sql } from 'kysely'
import type { StoredIntake } from '../intake.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { lastOfEach } from './list.ts'

const bySample = ({ sample }: { readonly sample: number }): number => sample

const MOST_PASSWORDS = 8

const stateColumns = {
  sample: 'integer',
  stage: 'text',
  depth: 'integer',
  password: 'text',
  archive: 'integer',
  root: 'integer',
} as const

const completedColumns = {
  id: 'integer',
  processedAt: 'integer',
  fileType: 'text',
  typeDescription: 'text',
  note: 'text',
  keepsNote: 'flag',
  isArchive: 'flag',
  segment: 'integer',
} as const

/** What somebody called the sample last, or an archive, as JSON. */
function lastName({ jsonObject }: Engine): RawBuilder<string | null> {
  const named = { name: sql`name`, folder: sql`coalesce(folder, '')`, owner: sql`coalesce(owner, '')` }
  return sql`(
    SELECT ${jsonObject(named)} FROM sightings
    WHERE sample_id = samples.id ORDER BY source = 'member', id DESC LIMIT 1
  )`
}

export function sqlIntake(database: Database, engine: Engine): StoredIntake {
  const { listOf, rowsOf } = engine
  return {
    async queue() {
      const { count, last } = await database
        .selectFrom('samples')
        .select(({ fn }) => [fn.countAll<number>().as('count'), fn.max<number | null>('id').as('last')])
        .where('state', '=', 'queued')
        .executeTakeFirstOrThrow()
      return { count, last: last ?? 0 }
    },

    async next(which, limit) {
      const rows = await database
        .selectFrom('samples')
        .leftJoin('intake_states', 'intake_states.sample_id', 'samples.id')
        .select(['id', 'name', 'size', 'sha256', 'sha1', 'md5', 'sha512', 'segment_id'])
        .select(['stage', 'depth', 'password', 'archive_id', 'root_id', 'place', 'charged_members', 'charged_bytes'])
        .select(lastName(engine).as('called'))
        .where('state', '=', 'queued')
        .$if('ids' in which, (query) => query.where('id', 'in', listOf('ids' in which ? which.ids : [])))
        .$if('after' in which, (query) => query.where('id', '>', 'after' in which ? which.after : 0))
        .orderBy('id')
        .limit(limit)
        .execute()
      const samples = rows
        .filter(({ stage }) => stage !== 'waiting')
        .map(({ id, sha256, md5, sha512, called, ...row }) => {
          if (sha256 === null || md5 === null || sha512 === null)
            throw new Error(`Sample ${id} is queued without digests.`)
          const { name, size, sha1 } = row
          return {
            ...{ id, name, size, sha256, sha1, md5, sha512 },
            called: called === null ? null : JSON.parse(called),
            isIndexed: row.segment_id !== null,
            state: {
              stage: row.stage ?? ('arrived' as const),
              depth: row.depth ?? 0,
              password: row.password,
              archive: row.archive_id,
              root: row.root_id,
            },
            place: row.place,
            charged: { members: row.charged_members ?? 0, bytes: row.charged_bytes ?? 0 },
          }
        })
      return { samples, last: rows.at(-1)?.id ?? null }
    },

    async requeue(sample) {
      await database.updateTable('samples').set({ state: 'queued' }).where('id', '=', sample).execute()
    },

    async record(states) {
      if (states.length === 0) return
      await sql`
        INSERT INTO intake_states (sample_id, stage, depth, password, archive_id, root_id)
        SELECT sample, stage, depth, password, archive, root
        FROM ${rowsOf(lastOfEach(states, bySample), stateColumns)} AS given WHERE TRUE
        ON CONFLICT (sample_id) DO UPDATE SET
          stage = excluded.stage, depth = excluded.depth, password = excluded.password,
          archive_id = excluded.archive_id, root_id = excluded.root_id,
          generation = NULL, place = NULL, charged_members = 0, charged_bytes = 0`.execute(database)
    },

    async comeAgain(sample, { depth, password, root }, reopens) {
      const row = await database
        .selectFrom('intake_states')
        .select(['stage', 'depth', 'password', 'root_id as root'])
        .where('sample_id', '=', sample)
        .executeTakeFirst()
      const had = row?.password?.split('\n') ?? []
      const more = [...new Set(password?.split('\n') ?? [])].filter((line) => !had.includes(line))
      const isPassword = more.length > 0
      const isNearer = row !== undefined && (depth < (row.depth ?? 0) || (root === null && row.root !== null))
      if (!isPassword && !isNearer) return false
      const isReopened = reopens && row?.stage === 'waiting'
      const changed = {
        ...(isPassword && { password: [...had, ...more].slice(-MOST_PASSWORDS).join('\n') }),
        ...(isNearer && { depth: Math.min(depth, row.depth ?? 0), ...(root === null && { root_id: null }) }),
      }
      await database
        .insertInto('intake_states')
        .values({ sample_id: sample, stage: 'arrived', depth: 0, ...changed })
        .onConflict((conflict) =>
          conflict.column('sample_id').doUpdateSet({
            ...changed,
            ...(isReopened && { stage: 'arrived', generation: null, place: null }),
          }),
        )
        .execute()
      return isReopened
    },

    async charge(charges, allowance) {
      if (charges.length === 0) return
      const each = rowsOf(charges, { archive: 'integer', root: 'integer', members: 'integer', bytes: 'integer' })
      // The archive may have been deleted since, or what was sent; then nobody would remove the rows.
      await sql`
        INSERT INTO intake_allowances (root_id, members, bytes)
        SELECT charge.root, ${allowance.members} - sum(charge.members), ${allowance.bytes} - sum(charge.bytes)
        FROM ${each} AS charge WHERE EXISTS (SELECT 1 FROM samples WHERE id = charge.root AND state = 'queued')
        GROUP BY charge.root
        ON CONFLICT (root_id) DO UPDATE SET
          members = intake_allowances.members - (${allowance.members} - excluded.members),
          bytes = intake_allowances.bytes - (${allowance.bytes} - excluded.bytes)`.execute(database)
      await sql`
        INSERT INTO intake_states (sample_id, stage, depth, charged_members, charged_bytes)
        SELECT charge.archive, 'arrived', 0, sum(charge.members), sum(charge.bytes)
        FROM ${each} AS charge
        WHERE EXISTS (SELECT 1 FROM samples WHERE id = charge.archive AND state = 'queued')
        GROUP BY charge.archive
        ON CONFLICT (sample_id) DO UPDATE SET
          charged_members = intake_states.charged_members + excluded.charged_members,
          charged_bytes = intake_states.charged_bytes + excluded.charged_bytes`.execute(database)
    },

    async allowance(root) {
      const row = await database
        .selectFrom('intake_allowances')
        .select(['members', 'bytes'])
        .where('root_id', '=', root)
        .executeTakeFirst()
      return row ? { members: row.members, bytes: row.bytes } : null
    },

    async recordPlace(sample, place, passed) {
      await database
        .updateTable('intake_states')
        .set(({ eb }) => ({
          place,
          charged_members: eb('charged_members', '-', passed.members),
          charged_bytes: eb('charged_bytes', '-', passed.bytes),
        }))
        .where('sample_id', '=', sample)
        .execute()
    },

    async membersOf(archives) {
      if (archives.length === 0) return []
      const rows = await database
        .selectFrom('intake_states')
        .select(['archive_id as archive', 'sample_id as member'])
        .where('archive_id', 'in', listOf(archives))
        .execute()
      return rows.map(({ archive, member }) => ({ archive: archive as number, member }))
    },

    async complete(samples) {
      // One statement for all: building and running one each would cost as much as all that completing them does besides.
      await sql`
        UPDATE samples SET
          state = CASE WHEN examined."processedAt" IS NULL THEN 'queued' ELSE 'processed' END,
          file_type = examined."fileType",
          type_description = examined."typeDescription",
          processed_at = coalesce(examined."processedAt", samples.processed_at),
          note = CASE WHEN examined."keepsNote" THEN samples.note ELSE examined.note END,
          extracted_file_count = CASE WHEN examined."isArchive"
            THEN (SELECT count(*) FROM members WHERE parent_id = samples.id)
            ELSE extracted_file_count END,
          segment_id = coalesce(samples.segment_id, examined.segment)
        FROM ${rowsOf(samples, completedColumns)} AS examined
        WHERE samples.id = examined.id`.execute(database)
    },

    async completeWaiting(archives, at) {
      if (archives.length === 0) return
      await database
        .updateTable('samples')
        .set({ state: 'processed', processed_at: at })
        .where('id', 'in', listOf(archives))
        .execute()
    },

    async wait(archives) {
      if (archives.length === 0) return
      await sql`
        INSERT INTO intake_states (sample_id, stage, depth, password, archive_id, root_id, generation)
        SELECT sample, 'waiting', depth, password, archive, root, generation
        FROM ${rowsOf(lastOfEach(archives, bySample), { ...stateColumns, generation: 'integer' })} AS given
        WHERE EXISTS (SELECT 1 FROM samples WHERE id = given.sample)
        ON CONFLICT (sample_id) DO UPDATE SET stage = 'waiting', generation = excluded.generation, place = NULL`.execute(
        database,
      )
    },

    async forget(samples) {
      if (samples.length === 0) return []
      const rows = await database
        .deleteFrom('intake_states')
        .where('sample_id', 'in', listOf(samples))
        .returning('archive_id')
        .execute()
      await database.deleteFrom('intake_allowances').where('root_id', 'in', listOf(samples)).execute()
      return [...new Set(rows.flatMap(({ archive_id }) => archive_id ?? []))]
    },

    async ready(archives) {
      const rows = await database
        .selectFrom('intake_states as waiting')
        .innerJoin('samples', 'samples.id', 'waiting.sample_id')
        .select(['id', 'size', 'sha256', 'generation'])
        .where('stage', '=', 'waiting')
        .$if(archives !== undefined, (query) => query.where('waiting.sample_id', 'in', listOf(archives ?? [])))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('intake_states as member')
                .select('member.sample_id')
                .whereRef('member.archive_id', '=', 'waiting.sample_id'),
            ),
          ),
        )
        .orderBy('id')
        .execute()
      return rows.map(({ sha256, ...row }) => ({ ...row, sha256: sha256 as Uint8Array }))
    },

    async matchAgain(archives) {
      if (archives.length === 0) return
      await database
        .updateTable('intake_states')
        .set({ stage: 'rematch', generation: null })
        .where('sample_id', 'in', listOf(archives))
        .execute()
    },
  }
}
