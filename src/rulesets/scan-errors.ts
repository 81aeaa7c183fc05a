import { revisionIdOf, revisionKey } from '../matches/index.ts'
import type { ScanError } from '../scanning/index.ts'
import { type Database, now, type Transaction } from '../store/index.ts'
import { nextGeneration } from './generation.ts'

/**
 * Rulesets that could not be run to their end on a sample.
 *
 * Each sample on which that happens is a failure, noted in the journal and shown as the ruleset's reason. With the
 * third failure the ruleset is suspended: its state becomes `error` and it no longer runs, until its text changes or
 * it is enabled again, which deletes all failures. So one unusual sample does not stop a good ruleset, and an endless
 * one costs three time limits, not one for every sample to come. A ruleset that the workers have set aside by
 * themselves (it failed on samples of hunts, or cannot be compiled) is suspended at once: it does not run anyhow.
 *
 * What a module of the engine does on a hostile sample counts as no failure of a ruleset. The sample's note has it.
 */
const FAILURES_ALLOWED = 2

/**
 * Stores the failures, not counting samples that are at fault themselves; true when a ruleset was suspended by them.
 */
export async function recordScanErrors(
  trx: Transaction,
  sampleId: number,
  errors: readonly ScanError[],
): Promise<boolean> {
  const sample = await trx.selectFrom('samples').select('sha1').where('id', '=', sampleId).executeTakeFirst()
  if (!sample) return false
  let suspended = false
  await noteModules(trx, sampleId, errors)
  for (const error of errors) {
    if (error.reason === 'unreadable' || error.reason === 'module') continue
    const isSetAside = error.reason === 'quarantine'
    // Only the current text can fail: an older one is gone, and its scan errors with it.
    const ruleset = await trx
      .selectFrom('rulesets')
      .select(['id', 'state'])
      .where('revision_id', '=', revisionIdOf(error.ruleset))
      .executeTakeFirst()
    if (!ruleset) continue
    // What it did says more than that it is not run any more.
    if (isSetAside && ruleset.state !== 'valid') continue
    const { numInsertedOrUpdatedRows: struck } = await trx
      .insertInto('strikes')
      .values({ ruleset_id: ruleset.id, sample_id: sampleId })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (!struck && !isSetAside) continue
    const { failures } = await trx
      .selectFrom('strikes')
      .select((eb) => eb.fn.countAll<number>().as('failures'))
      .where('ruleset_id', '=', ruleset.id)
      .executeTakeFirstOrThrow()
    const sha1 = Buffer.from(sample.sha1).toString('hex')
    const what = isSetAside
      ? `Not run on sample ${sha1}: ${error.message}`
      : `Stopped on sample ${sha1} (${error.reason}): ${error.message}`
    const isOnceTooOften = isSetAside || failures > FAILURES_ALLOWED
    const suspend = isOnceTooOften && ruleset.state === 'valid'
    const after = isSetAside ? 'Suspended.' : `Suspended after ${failures} samples.`
    const reason = isOnceTooOften ? `${after} ${what}` : what
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

/** Notes beside the sample which modules of the engine fail on it, each once. */
async function noteModules(trx: Transaction, sampleId: number, errors: readonly ScanError[]): Promise<void> {
  const messages = new Set(errors.flatMap(({ reason, message }) => (reason === 'module' ? [message] : [])))
  if (messages.size === 0) return
  const { note } = await trx.selectFrom('samples').select('note').where('id', '=', sampleId).executeTakeFirstOrThrow()
  const news = [...messages]
    .map((message) => `Rulesets that import the module were not run on it: ${message}.`)
    .filter((sentence) => note?.includes(sentence) !== true)
  if (news.length === 0) return
  await trx
    .updateTable('samples')
    .set({ note: [...(note === null ? [] : [note]), ...news].join(' ') })
    .where('id', '=', sampleId)
    .execute()
  const entry = { created: now(), kind: 'module-failed', sample_id: sampleId, message: news.join(' ') }
  await trx.insertInto('journal').values(entry).execute()
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
