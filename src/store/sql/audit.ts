import { sql } from 'kysely'
import type { StoredAudit } from '../audit.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlAudit(database: Database, { contains, jsonTexts }: Engine): StoredAudit {
  return {
    async add({ subjects, subjectCount, ...entry }) {
      await database
        .insertInto('audit_entries')
        .values({
          ...entry,
          subjects: JSON.stringify(subjects.map((subject) => subject.toWellFormed())),
          subject_count: subjectCount,
        })
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
        const names = jsonTexts(sql`audit_entries.subjects`)
        query = query.where(
          sql<boolean>`EXISTS (SELECT 1 FROM ${names} AS subject WHERE ${contains(sql`value`, subject)})`,
        )
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
