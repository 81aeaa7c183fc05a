/**
 * Admits contents: makes them durable, then their rows, many at a time. A sample that has its row is acknowledged, and
 * the queue (`state` = 'queued') brings it to its end whatever happens to this process.
 */
import { wasCutShort } from '../archives/index.ts'
import { takeOverFromCloud } from '../samples/index.ts'
import {
  type ArchiveCharge,
  type Charge,
  type ContentStore,
  type IntakeState,
  type KnownSample,
  type NewSighting,
  now,
  type Scratch,
  type Store,
  type UnitOfWork,
} from '../store/index.ts'
import { isPlain, keyOf, knownNameOf, type StagedFile, sentWith } from './staged-file.ts'

export interface Admitted {
  readonly id: number
  readonly seen: number
  readonly known: boolean
  /** It waits for the pipeline: it is new, was queued already, or is to be unpacked again. */
  readonly queued: boolean
  /** A known sample that this arrival put back into the queue. */
  readonly requeued: boolean
  /** A queued archive that waited for its members, and is to be unpacked again. */
  readonly reopened: boolean
  /** Known, under a name that it did not have. */
  readonly renamed: boolean
}

export interface AdmissionParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly scratch: Scratch
  /** What may come out of an upload. */
  readonly allowance: Charge
  /** Archives in archives that are opened. */
  readonly archiveDepth: number
}

/** Admits a batch in order; equal contents become one sample. All fail together, and then nothing is left of them. */
export async function admit(
  { store, contents, scratch, allowance, archiveDepth }: AdmissionParts,
  batch: readonly StagedFile[],
): Promise<readonly Admitted[]> {
  const stored = new Set<StagedFile>()
  try {
    return await contents.withLock(async () => {
      const known = await knownSamples(store, batch)
      const fresh = new Map<string, StagedFile>()
      for (const staged of batch) {
        const key = keyOf(staged.digests.sha256)
        if (!known.has(key) && !fresh.has(key)) fresh.set(key, staged)
      }
      const kept = [...fresh.values(), ...(await returning(contents, batch, known))]
      const files = kept.map(({ temporary, synced, digests: { sha256 } }) => ({ temporary, synced, sha256 }))
      return contents.put(files, () => {
        for (const staged of kept) stored.add(staged)
        return store.transaction('admitSamples', async (tx) => {
          const admitted = await insertRows(tx, batch, known, [...fresh.values()], archiveDepth)
          await tx.intake.charge(chargesOf(batch), allowance)
          return admitted
        })
      })
    })
  } finally {
    for (const staged of batch) if (!stored.has(staged)) await scratch.discard(staged.temporary)
  }
}

/** Those of known samples whose content the store has lost or has in part only: sending it again brings it back. */
async function returning(
  contents: ContentStore,
  batch: readonly StagedFile[],
  known: ReadonlyMap<string, KnownSample>,
): Promise<Iterable<StagedFile>> {
  const again = new Map<string, StagedFile>()
  for (const staged of batch) {
    const key = keyOf(staged.digests.sha256)
    if (known.has(key) && !again.has(key)) again.set(key, staged)
  }
  // All at once: each may be a question to an object store.
  const isLost = await Promise.all(
    Array.from(again.values(), async ({ digests: { sha256, size } }) => (await contents.size(sha256)) !== size),
  )
  return [...again.values()].filter((_, n) => isLost[n])
}

async function knownSamples({ samples }: Store, batch: readonly StagedFile[]): Promise<Map<string, KnownSample>> {
  const known = await samples.findKnown(batch.map(({ digests }) => digests.sha256))
  return new Map(known.map((sample) => [keyOf(sample.sha256), sample]))
}

/** What archives are charged for their members in the batch. */
function chargesOf(batch: readonly StagedFile[]): ArchiveCharge[] {
  return batch.flatMap(({ member, state: { root } }) =>
    member === null || root === null ? [] : [{ archive: member.parent, root, ...member.charge }],
  )
}

async function insertRows(
  tx: UnitOfWork,
  batch: readonly StagedFile[],
  known: ReadonlyMap<string, KnownSample>,
  fresh: readonly StagedFile[],
  archiveDepth: number,
): Promise<Admitted[]> {
  const seen = now()
  const samples = new Map(known)
  if (fresh.length > 0) {
    const added = await tx.samples.add(
      fresh.map(({ digests, name }) => ({ ...digests, name })),
      seen,
    )
    await takeOverFromCloud(
      tx,
      added.map(({ id }) => id),
    )
    for (const { id, sha256 } of added)
      samples.set(keyOf(sha256), { id, sha256, state: 'queued', note: null, extractedFileCount: 0 })
    const remembered = fresh.filter(({ state }) => !isPlain(state))
    await tx.intake.record(
      remembered.map(({ digests, state }) => ({ sample: samples.get(keyOf(digests.sha256))?.id as number, ...state })),
    )
  }
  const isFresh = new Set(fresh)
  const admitted: Admitted[] = []
  const sightings: { readonly staged: StagedFile; readonly id: number }[] = []
  for (const staged of batch) {
    const { member, tags } = staged
    let sample = samples.get(keyOf(staged.digests.sha256)) as KnownSample
    const isOtherwise = staged.state.password !== null || member === null
    // It was found before this transaction, and may have been processed since.
    if (sample.state === 'queued' && isOtherwise && !isFresh.has(staged)) {
      sample = (await tx.samples.findKnown([sample.sha256]))[0] ?? sample
    }
    const { id } = sample
    let { state } = sample
    const firstOfPlace = member === null || (await tx.members.add(member.parent, member.path, id))
    if (firstOfPlace) sightings.push({ staged, id })
    if (tags.length > 0) await tx.tags.add(id, tags)
    let requeued = false
    let reopened = false
    if (!isFresh.has(staged)) {
      // The name is that of the last time somebody sent it; what an archive calls it does not change that.
      await tx.samples.seeAgain(id, seen, staged.source === 'member' ? null : staged.name)
      requeued = state === 'processed' && worthAnotherTry(sample, staged, archiveDepth)
      if (requeued) {
        await requeue(tx, id, staged.state)
        state = 'queued'
        samples.set(keyOf(staged.digests.sha256), { ...sample, state })
      } else if (state === 'queued' && (isOtherwise || staged.state.depth < archiveDepth)) {
        // It may be under way as it came before; when it ends, its commit sees that.
        reopened = await tx.intake.comeAgain(id, staged.state, mayHaveMore(sample.note ?? ''))
      }
    }
    const known = !isFresh.has(staged)
    admitted.push({ id, seen, known, queued: state === 'queued', requeued, reopened, renamed: false })
  }
  // Before the sightings are added, since it compares with them. A second name in the batch that brings the sample counts as well.
  const again = sightings.filter(({ staged }) => !isFresh.has(staged))
  const renamed = await tx.newNames.addRenamed(
    again.map(({ staged, id }) => ({ sampleId: id, ...knownNameOf(staged) })),
  )
  await tx.arrivals.add(sightings.map(sightingOf), seen)
  return renamed.size === 0 ? admitted : admitted.map((one) => (renamed.has(one.id) ? { ...one, renamed: true } : one))
}

function sightingOf({ staged, id }: { readonly staged: StagedFile; readonly id: number }): NewSighting {
  const { name, userId, source, comment, folder, owner } = staged
  return { sampleId: id, userId, name, source, comment, folder, owner }
}

/** An archive that did not open before, or not all of it, and now comes with a password, or out of fewer archives. */
function worthAnotherTry({ note, extractedFileCount }: KnownSample, staged: StagedFile, archiveDepth: number): boolean {
  if (note === null) return false
  const { password, depth } = staged.state
  const isShallow = depth < archiveDepth
  const isOpenable = isShallow && password !== null && (extractedFileCount === 0 || isLocked(note))
  return isOpenable || wasCutShort(note, { isShallow, isSent: staged.member === null })
}

/** Whether more may come out of an archive with such a note when it comes otherwise. */
export function mayHaveMore(note: string): boolean {
  return isLocked(note) || wasCutShort(note, { isShallow: true, isSent: true })
}

/** Whether a sample's note says that a password is missing. */
export function isLocked(note: string | null): boolean {
  return note !== null && /no known password/.test(note)
}

/**
 * Queues a processed archive of which a password is missing, to be unpacked once more with this one. Gives its id; null
 * where it is no such archive, or not processed yet.
 */
export async function requeueLocked(store: Store, sha256: Uint8Array, password: string): Promise<number | null> {
  return store.transaction('admitSamples', async (tx) => {
    const [sample] = await tx.samples.findKnown([sha256])
    if (sample?.state !== 'processed' || !isLocked(sample.note)) return null
    await requeue(tx, sample.id, sentWith(password))
    return sample.id
  })
}

async function requeue({ intake }: UnitOfWork, id: number, state: IntakeState): Promise<void> {
  await intake.requeue(id)
  await intake.record([{ ...state, sample: id }])
}
