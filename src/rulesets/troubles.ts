import { revisionIdOf, revisionKey } from '../matches/index.ts'
import type { ScanTrouble } from '../scanning/index.ts'
import { type Database, now, type Transaction } from '../store/index.ts'
import { nextGeneration } from './generation.ts'

/**
 * Rulesets that could not be run to their end on a sample.
 *
 * Each sample on which that happens is a strike, noted in the journal and shown as the ruleset's reason. With the
 * third strike the ruleset is suspended: its state becomes `error` and it no longer runs, until its text changes or
 * it is enabled again, which takes back all strikes. So one odd sample does not stop a good ruleset, and an endless
 * one costs three time limits, not one for every sample to come.
 */
const STRIKES_ALLOWED = 2

/** Notes the strikes, not counting samples that are at fault themselves; true when a ruleset was suspended by them. */
export async function noteTroubles(
  trx: Transaction,
  sampleId: number,
  troubles: readonly ScanTrouble[],
): Promise<boolean> {
  const sample = await trx.selectFrom('samples').select('sha1').where('id', '=', sampleId).executeTakeFirst()
  if (!sample) return false
  let suspended = false
  for (const trouble of troubles) {
    if (trouble.reason === 'unreadable') continue
    // Only the current text can be struck: an older one is gone, and its troubles with it.
    const ruleset = await trx
      .selectFrom('rulesets')
      .select(['id', 'state'])
      .where('revision_id', '=', revisionIdOf(trouble.ruleset))
      .executeTakeFirst()
    if (!ruleset) continue
    const { numInsertedOrUpdatedRows: struck } = await trx
      .insertInto('strikes')
      .values({ ruleset_id: ruleset.id, sample_id: sampleId })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (!struck) continue
    const { strikes } = await trx
      .selectFrom('strikes')
      .select((eb) => eb.fn.countAll<number>().as('strikes'))
      .where('ruleset_id', '=', ruleset.id)
      .executeTakeFirstOrThrow()
    const sha1 = Buffer.from(sample.sha1).toString('hex')
    const what = `Stopped on sample ${sha1} (${trouble.reason}): ${trouble.message}`
    const suspend = strikes > STRIKES_ALLOWED && ruleset.state === 'valid'
    const reason = strikes > STRIKES_ALLOWED ? `Suspended after ${strikes} samples. ${what}` : what
    await trx
      .updateTable('rulesets')
      .set({ reason, ...(suspend && { state: 'error' }) })
      .where('id', '=', ruleset.id)
      .execute()
    await trx
      .insertInto('journal')
      .values({
        created: now(),
        kind: suspend ? 'ruleset-suspended' : 'ruleset-stopped',
        ruleset_id: ruleset.id,
        sample_id: sampleId,
        message: reason,
      })
      .execute()
    suspended ||= suspend
  }
  if (suspended) await nextGeneration(trx)
  return suspended
}

/** Keys of the rulesets that were stopped on this sample before. */
export async function struckOn(database: Database, sampleId: number): Promise<string[]> {
  const rows = await database
    .selectFrom('strikes')
    .innerJoin('rulesets', 'rulesets.id', 'strikes.ruleset_id')
    .select('rulesets.revision_id')
    .where('strikes.sample_id', '=', sampleId)
    .execute()
  return rows.flatMap((row) => (row.revision_id === null ? [] : [revisionKey(row.revision_id)]))
}
