import { sql } from 'kysely'
import type { Database, Micros } from '../store/index.ts'

/** Which samples a retro hunt covers. */
export interface Coverage {
  /** Analysed, or seen again, at this time or later. */
  readonly since: Micros
  /** Ids of samples that were there at the start. */
  readonly upTo: number
  readonly maxBytes: number
}

/** Their ascending ids. Archives are left out: what is in them is covered as samples of their own. */
export async function coveredSamples(database: Database, { since, upTo, maxBytes }: Coverage): Promise<Uint32Array> {
  const rows = await database
    .selectFrom('samples')
    .select('id')
    .where('stored', '=', 1)
    .where('state', '=', 'processed')
    .where('id', '<=', upTo)
    .where('size', '<=', maxBytes)
    .where(sql<boolean>`max(last_seen, coalesce(processed_at, 0)) >= ${since}`)
    .where(sql<boolean>`file_type NOT LIKE 'Binary/Archive/%'`)
    .orderBy('id')
    .execute()
  return Uint32Array.from(rows, ({ id }) => id)
}
