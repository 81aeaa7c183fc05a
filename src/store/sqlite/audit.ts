import { sql } from 'kysely'
import type { StoredAudit } from '../audit.ts'
import type { Database } from './database.ts'

export function sqliteAudit(database: Database): StoredAudit {
  return {
    async add({ subjects, subjectCount, ...entry }) {
      await database
        .insertInto('audit_entries')
        .values({ ...entry, subjects: JSON.stringify(subjects), subject_count: subjectCount })
        .execute()
    },

    async list({ user, operation, subject, from, to }, before, most) {
      let query = database
        .selectFrom('audit_entries')
        .select(['id', 'time', 'user', 'operation', 'subjects', 'status', 'address'])
        .select('subject_count as subjectCount')
        .orderBy('id', 'desc')
        .limit(most)
      if (before !== null) query = query.where('id', '<', before)
      if (user !== undefined) query = query.where('user', '=', user)
      if (operation !== undefined) query = query.where('operation', '=', operation)
      if (from !== undefined) query = query.where('time', '>=', from)
      if (to !== undefined) query = query.where('time', '<=', to)
      if (subject !== undefined) {
        const names = sql`json_each(audit_entries.subjects)`
        query = query.where(sql<boolean>`exists (select 1 from ${names} where instr(lower(value), lower(${subject})))`)
      }
      const rows = await query.execute()
      return rows.map((row) => ({ ...row, subjects: JSON.parse(row.subjects) as string[] }))
    },

    async deleteBefore(time, most) {
      const old = database.selectFrom('audit_entries').select('id').where('time', '<', time).orderBy('time').limit(most)
      const { numDeletedRows } = await database.deleteFrom('audit_entries').where('id', 'in', old).executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
