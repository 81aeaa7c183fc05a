import { revisionIdOf, revisionKey } from '../matches/index.ts'
import type { ScanError } from '../scanning/index.ts'
import { now, type Repositories, type UnitOfWork } from '../store/index.ts'
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
  tx: UnitOfWork,
  sampleId: number,
  errors: readonly ScanError[],
): Promise<boolean> {
  const { rulesets, scanFailures, journal } = tx
  const sha1 = await tx.samples.sha1Of(sampleId)
  if (sha1 === null) return false
  let suspended = false
  await noteModules(tx, sampleId, errors)
  for (const error of errors) {
    if (error.reason === 'unreadable' || error.reason === 'module') continue
    const isSetAside = error.reason === 'quarantine'
    // Only the current text can fail: an older one is gone, and its scan errors with it.
    const revisionId = revisionIdOf(error.ruleset)
    const ruleset = revisionId === null ? null : await rulesets.findByCurrentRevision(revisionId)
    if (!ruleset) continue
    // What it did says more than that it is not run any more.
    if (isSetAside && ruleset.state !== 'valid') continue
    const isNew = await scanFailures.add(ruleset.id, sampleId)
    if (!isNew && !isSetAside) continue
    const failures = await scanFailures.count(ruleset.id)
    const what = isSetAside
      ? `Not run on sample ${sha1}: ${error.message}`
      : `Stopped on sample ${sha1} (${error.reason}): ${error.message}`
    const isOnceTooOften = isSetAside || failures > FAILURES_ALLOWED
    const suspend = isOnceTooOften && ruleset.state === 'valid'
    const after = isSetAside ? 'Suspended.' : `Suspended after ${failures} samples.`
    const reason = isOnceTooOften ? `${after} ${what}` : what
    await rulesets.setStopped(ruleset.id, reason, suspend)
    const kind = suspend ? 'ruleset-suspended' : 'ruleset-stopped'
    await journal.add({ kind, message: reason, created: now(), rulesetId: ruleset.id, sampleId })
    suspended ||= suspend
  }
  if (suspended) await nextGeneration(tx)
  return suspended
}

/** Notes beside the sample which modules of the engine fail on it, each once. */
async function noteModules(
  { samples, journal }: UnitOfWork,
  sampleId: number,
  errors: readonly ScanError[],
): Promise<void> {
  const messages = new Set(errors.flatMap(({ reason, message }) => (reason === 'module' ? [message] : [])))
  if (messages.size === 0) return
  const note = await samples.noteOf(sampleId)
  const news = [...messages]
    .map((message) => `Rulesets that import the module were not run on it: ${message}.`)
    .filter((sentence) => note?.includes(sentence) !== true)
  if (news.length === 0) return
  await samples.setNote(sampleId, [...(note === null ? [] : [note]), ...news].join(' '))
  await journal.add({ kind: 'module-failed', message: news.join(' '), created: now(), sampleId })
}

/** Keys of the rulesets that were stopped on this sample before. */
export async function skippedRulesets({ scanFailures }: Repositories, sampleId: number): Promise<string[]> {
  return (await scanFailures.revisionsOn(sampleId)).map(revisionKey)
}
