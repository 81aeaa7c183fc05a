/**
 * Commits examined samples, many at a time: their segment is written and synced first, then one transaction makes rows,
 * matches and segment true together. A sample that was not matched against exactly what is enabled at that instant is
 * not committed; it comes back as `behind`.
 */
import type { Matches } from '../matches/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import type { PreparedSegment, Segments } from '../segments/index.ts'
import { hasTlsh } from '../similarity/index.ts'
import {
  type ExaminedSample,
  type IntakeState,
  isAnswerLost,
  now,
  type Store,
  type StoredIntake,
  type UnitOfWork,
} from '../store/index.ts'
import { mayHaveMore } from './admission.ts'
import { type Examined, mayHaveMembers } from './examination.ts'

export interface CompletionParts {
  readonly store: Store
  readonly rulesets: Rulesets
  readonly matches: MatchRecord
  readonly segments: Segments
  readonly log: Log
}

/** Where what samples match is recorded, in the transaction that makes them processed. */
export interface MatchRecord {
  record(tx: UnitOfWork, scan: Parameters<Matches['record']>[1]): Promise<unknown>
}

/** A sample that is processed now. */
export interface Done {
  readonly id: number
  readonly size: number
  readonly sha256: Uint8Array
}

export interface Completed {
  /** Not committed: the enabled rulesets are others by now. */
  readonly behind: readonly Examined[]
  /** Those of the batch that wait for no members, and archives that have waited for them. */
  readonly done: readonly Done[]
  /** Archives whose members are processed, and that are to be matched again; and those that came otherwise meanwhile. */
  readonly again: readonly number[]
}

/** An archive of which members are in the queue is committed too, but stays there itself. */
export async function complete(parts: CompletionParts, batch: readonly Examined[]): Promise<Completed> {
  const { store, rulesets, matches, segments } = parts
  const generation = await rulesets.generation()
  const current = batch.filter(({ live }) => live.generation === generation)
  const behind = batch.filter(({ live }) => live.generation !== generation)
  if (current.length === 0) return { behind, done: [], again: [] }

  const signed = current.flatMap(({ queued, signature }) =>
    signature === null || queued.indexed ? [] : [{ id: queued.id, record: signature }],
  )
  const prepared = signed.length > 0 ? await segments.write(signed.sort((a, b) => a.id - b.id)) : null
  let completed: Omit<Completed, 'behind'> | null = null
  try {
    await store.transaction('completeSamples', async (tx) => {
      // The one look that counts: what is enabled cannot change before this transaction ends.
      completed = null
      if ((await rulesets.generation(tx)) !== generation) return
      completed = await commit(tx, { matches, segments }, current, prepared)
    })
  } catch (error) {
    // A segment that is live in spite of it stays.
    if (prepared) await segments.discard(prepared)
    // Committed once more, they would not release the archives again that have waited for them.
    const ids = current.map(({ queued }) => queued.id)
    const isQueued = async () => (await store.intake.next({ ids }, ids.length)).samples.length > 0
    if (completed === null || !(await isTrueNevertheless(error, isQueued))) throw error
  }
  if (completed === null) {
    if (prepared) await segments.discard(prepared)
    return { behind: batch, done: [], again: [] }
  }
  if (prepared) segments.published()
  await reportErrors(parts, current)
  return { behind, ...(completed as Omit<Completed, 'behind'>) }
}

/** Whether a unit of which the answer was lost has become true: nothing is as it was before any more. */
async function isTrueNevertheless(error: unknown, isAsBefore: () => Promise<boolean>): Promise<boolean> {
  // Where that cannot be found out now either, the first error is what counts.
  return isAnswerLost(error) && !(await isAsBefore().catch(() => true))
}

/** Never fails: the samples are committed. */
async function reportErrors({ rulesets, log }: CompletionParts, batch: readonly Examined[]): Promise<void> {
  for (const { queued, errors } of batch) {
    try {
      await rulesets.reportScanErrors(queued.id, errors)
    } catch (error) {
      log.error({ err: error, sample: queued.id }, 'scan errors of samples could not be recorded, and are left out')
      return
    }
  }
}

async function commit(
  tx: UnitOfWork,
  { matches, segments }: { readonly matches: MatchRecord; readonly segments: Segments },
  batch: readonly Examined[],
  prepared: PreparedSegment | null,
): Promise<Omit<Completed, 'behind'>> {
  const at = now()
  const { intake } = tx
  const segment = prepared && (await segments.publish(tx, prepared))
  const reopened = await reopenedOf(intake, batch)
  const waits = await waitingOf(intake, batch)
  const examined = batch.map(
    ({ queued: { id, state, indexed }, identification, signature, remarks }): ExaminedSample => ({
      id,
      processedAt: waits.has(id) || reopened.has(id) ? null : at,
      fileType: identification.fileType,
      typeDescription: identification.description,
      note: remarks.length > 0 ? remarks.join(' ') : null,
      // Its remarks were written when it was unpacked.
      keepsNote: state.stage === 'rematch',
      isArchive: mayHaveMembers(identification),
      segment: signature !== null && !indexed ? segment : null,
    }),
  )
  await intake.complete(examined)
  await tx.programs.record(
    batch.flatMap(({ queued, program }) => (program === null ? [] : [{ sample: queued.id, facts: program }])),
  )
  await tx.tlsh.enqueue(
    batch.flatMap(({ queued: { id, digests }, identification: { fileType }, signature }) =>
      signature !== null && hasTlsh(fileType, digests.size) ? [id] : [],
    ),
  )
  for (const { queued, hits } of batch) {
    if (hits.length > 0) await matches.record(tx, { sampleId: queued.id, hits, at })
  }
  await intake.record([...reopened.values()])
  const waiting = batch.filter(({ queued: { id } }) => waits.has(id) && !reopened.has(id))
  await intake.wait(
    waiting.map(({ queued: { id, state }, live: { generation } }) => ({ ...state, sample: id, generation })),
  )
  const done = batch.filter(({ queued: { id } }) => !waits.has(id) && !reopened.has(id))
  // All of them: one of which nothing was remembered may have come with a password.
  const released = await intake.forget(done.map(({ queued }) => queued.id))
  const archives = released.length > 0 ? await completeReady(tx, batch[0]?.live.generation ?? 0, released) : NONE
  const own = done.map(({ queued: { id, digests } }) => ({ id, size: digests.size, sha256: digests.sha256 }))
  return { done: [...own, ...archives.done], again: [...reopened.keys(), ...archives.again] }
}

/**
 * Archives that were not unpacked, or in part, and came once more meanwhile, with a password or out of fewer archives: they
 * begin anew, with these states.
 */
async function reopenedOf(intake: StoredIntake, batch: readonly Examined[]): Promise<ReadonlyMap<number, Reopened>> {
  const cut = batch.filter(({ queued, remarks }) => queued.state.stage !== 'rematch' && mayHaveMore(remarks.join(' ')))
  const ids = cut.map(({ queued }) => queued.id)
  if (ids.length === 0) return new Map()
  const { samples } = await intake.next({ ids }, ids.length)
  const used = new Map(cut.map(({ queued }) => [queued.id, queued.state]))
  const changed = samples.filter(({ id, state: { password, depth, root } }) => {
    const before = used.get(id)
    return password !== before?.password || depth !== before.depth || root !== before.root
  })
  return new Map(changed.map(({ id, state }) => [id, { ...state, stage: 'arrived', sample: id }]))
}

type Reopened = IntakeState & { readonly sample: number }

/** Those of the batch of which members are in the queue, and will be after it is committed. */
async function waitingOf(intake: StoredIntake, batch: readonly Examined[]): Promise<ReadonlySet<number>> {
  const ids = new Set(batch.map(({ queued }) => queued.id))
  const archives = batch.filter(({ identification }) => mayHaveMembers(identification)).map(({ queued }) => queued.id)
  const members = Map.groupBy(await intake.membersOf(archives), ({ archive }) => archive)
  // A member that is an archive may wait itself. It never waits for what waits for it: it came out of that.
  const waits = (archive: number): boolean =>
    members.get(archive)?.some(({ member }) => !ids.has(member) || waits(member)) ?? false
  return new Set(archives.filter(waits))
}

const NONE = { done: [], again: [] } as const

/**
 * Takes archives out of the queue that wait for no member any more, and those that wait for them: of all that wait, or of
 * the given ones. Those that were matched against another set than the given generation are to be matched again.
 */
async function completeReady(
  { intake }: UnitOfWork,
  generation: number,
  among?: readonly number[],
): Promise<Omit<Completed, 'behind'>> {
  const done: Done[] = []
  const again: number[] = []
  for (let ready = await intake.ready(among); ready.length > 0; ) {
    const current = ready.filter((archive) => archive.generation === generation)
    const others = ready.filter((archive) => archive.generation !== generation).map(({ id }) => id)
    await intake.matchAgain(others)
    again.push(...others)
    const ids = current.map(({ id }) => id)
    await intake.completeWaiting(ids, now())
    done.push(...current.map(({ id, size, sha256 }) => ({ id, size, sha256 })))
    // One archive's end may be what another waited for.
    const released = await intake.forget(ids)
    ready = released.length > 0 ? await intake.ready(released) : []
  }
  return { done, again }
}

/** The archives that wait for nothing any more although none of their members was processed last: it was deleted. */
export async function completeArchives(parts: CompletionParts): Promise<Omit<Completed, 'behind'>> {
  const { store, rulesets } = parts
  if ((await store.intake.ready()).length === 0) return NONE
  let completed: Omit<Completed, 'behind'> | null = null
  try {
    return await store.transaction('completeSamples', async (tx) => {
      completed = null
      completed = await completeReady(tx, await rulesets.generation(tx))
      return completed
    })
  } catch (error) {
    const { done, again } = (completed ?? NONE) as Omit<Completed, 'behind'>
    const ids = [...done.map(({ id }) => id), ...again]
    const areReady = async () => (await store.intake.ready(ids)).length > 0
    if (ids.length > 0 && (await isTrueNevertheless(error, areReady))) return { done, again }
    throw error
  }
}
