/** How many samples hunts cover. */
import type { Database } from '../store/index.ts'

/**
 * Stored and processed samples with `after < id <= upTo`. How many there are in all is known; so the fewer are counted,
 * those in the range or those outside of it: counting a million takes longer than a hunt should.
 */
export async function countProcessed(database: Database, after: number, upTo: number): Promise<number> {
  const processed = database.selectFrom('samples').where('stored', '=', 1).where('state', '=', 'processed')
  const rows = processed.select(({ fn }) => fn.countAll<number>().as('rows'))
  const { last } = await processed.select(({ fn }) => fn.max<number | null>('id').as('last')).executeTakeFirstOrThrow()
  if (upTo - after <= after + (last ?? 0) - upTo) {
    const within = await rows.where('id', '>', after).where('id', '<=', upTo).executeTakeFirstOrThrow()
    return within.rows
  }
  const all = await processedInAll(database)
  const before = await rows.where('id', '<=', after).executeTakeFirstOrThrow()
  const behind = await rows.where('id', '>', upTo).executeTakeFirstOrThrow()
  return all.samples - before.rows - behind.rows
}

/** Stored and processed samples, and their bytes. */
export async function processedInAll(database: Database): Promise<{ samples: number; bytes: number }> {
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
