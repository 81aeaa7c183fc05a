/**
 * Admits contents: makes them durable, then their rows, many at a time. A sample that has its row is acknowledged, and
 * the queue (`state` = 'queued') brings it to its end whatever happens to this process.
 */
import { sql } from 'kysely'
import { takeOverFromCloud } from '../samples/index.ts'
import {
  type ArchiveCharge,
  type Charge,
  type ContentStore,
  type Database,
  now,
  type Scratch,
  type Transaction,
  unitOf,
} from '../store/index.ts'
import { isPlain, keyOf, knownNameOf, type StagedFile, sentWith } from './staged-file.ts'

export interface Admitted {
  readonly id: number
  readonly seen: number
  readonly known: boolean
  /** It waits for the pipeline: it is new, was queued already, or is to be unpacked again with another password. */
  readonly queued: boolean
  /** A known sample that this arrival put back into the queue. */
  readonly requeued: boolean
  /** Known, under a name that it did not have. */
  readonly renamed: boolean
}

interface KnownSample {
  readonly id: number
  readonly state: 'queued' | 'processed'
  readonly note: string | null
  readonly extractedFileCount: number
}

export interface AdmissionParts {
  readonly database: Database
  readonly contents: ContentStore
  readonly scratch: Scratch
  /** What may come out of an upload. */
  readonly allowance: Charge
}

/** Admits a batch in order; equal contents become one sample. All fail together, and then nothing is left of them. */
export async function admit(
  { database, contents, scratch, allowance }: AdmissionParts,
  batch: readonly StagedFile[],
): Promise<readonly Admitted[]> {
  const stored = new Set<StagedFile>()
  try {
    return await contents.withLock(async () => {
      const known = await knownSamples(database, batch)
      const fresh = new Map<string, StagedFile>()
      for (const staged of batch) {
        const key = keyOf(staged.digests.sha256)
        if (!known.has(key) && !fresh.has(key)) fresh.set(key, staged)
      }
      const kept = [...fresh.values(), ...(await returning(contents, batch, known))]
      const files = kept.map(({ temporary, synced, digests: { sha256 } }) => ({ temporary, synced, sha256 }))
      return contents.put(files, () => {
        for (const staged of kept) stored.add(staged)
        return database.transaction().execute(async (trx) => {
          const admitted = await insertRows(trx, batch, known, [...fresh.values()])
          await unitOf(trx, 'admitSamples').intake.charge(chargesOf(batch), allowance)
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
  const found = new Map<string, StagedFile>()
  for (const staged of batch) {
    const { sha256, size } = staged.digests
    const key = keyOf(sha256)
    if (known.has(key) && !found.has(key) && (await contents.size(sha256)) !== size) found.set(key, staged)
  }
  return found.values()
}

async function knownSamples(database: Database, batch: readonly StagedFile[]): Promise<Map<string, KnownSample>> {
  const rows = await database
    .selectFrom('samples')
    .select(['id', 'sha256', 'state', 'note', 'extracted_file_count'])
    .where(
      'sha256',
      'in',
      batch.map(({ digests }) => digests.sha256),
    )
    .execute()
  return new Map(
    rows.map(({ id, sha256, state, note, extracted_file_count }) => [
      keyOf(sha256 as Uint8Array),
      { id, state, note, extractedFileCount: extracted_file_count },
    ]),
  )
}

/** What archives are charged for their members in the batch. */
function chargesOf(batch: readonly StagedFile[]): ArchiveCharge[] {
  return batch.flatMap(({ member, state: { root } }) =>
    member === null || root === null ? [] : [{ archive: member.parent, root, ...member.charge }],
  )
}

async function insertRows(
  trx: Transaction,
  batch: readonly StagedFile[],
  known: Map<string, KnownSample>,
  fresh: readonly StagedFile[],
): Promise<Admitted[]> {
  const seen = now()
  const samples = new Map(known)
  if (fresh.length > 0) {
    const inserted = await trx
      .insertInto('samples')
      .values(fresh.map((staged) => sampleRow(staged, seen)))
      .returning(['id', 'sha256'])
      .execute()
    await takeOverFromCloud(
      unitOf(trx, 'admitSamples'),
      inserted.map(({ id }) => id),
    )
    const ids = new Map(inserted.map(({ id, sha256 }) => [keyOf(sha256 as Uint8Array), id]))
    for (const { digests } of fresh) {
      const key = keyOf(digests.sha256)
      samples.set(key, { id: ids.get(key) as number, state: 'queued', note: null, extractedFileCount: 0 })
    }
    const remembered = fresh.filter(({ state }) => !isPlain(state))
    await unitOf(trx, 'admitSamples').intake.record(
      remembered.map(({ digests, state }) => ({ sample: ids.get(keyOf(digests.sha256)) as number, ...state })),
    )
  }
  const isFresh = new Set(fresh)
  const admitted: Admitted[] = []
  const sightings: { staged: StagedFile; id: number }[] = []
  for (const staged of batch) {
    const sample = samples.get(keyOf(staged.digests.sha256)) as KnownSample
    const { id } = sample
    let { state } = sample
    const firstOfPlace = staged.member === null || (await addMember(trx, staged.member, id))
    if (firstOfPlace) sightings.push({ staged, id })
    if (staged.tags.length > 0) await addTags(trx, id, staged.tags)
    let requeued = false
    if (!isFresh.has(staged)) {
      await seeAgain(trx, id, staged, seen)
      requeued = state === 'processed' && worthAnotherTry(sample, staged)
      if (requeued) {
        await requeue(trx, id, staged)
        state = 'queued'
        samples.set(keyOf(staged.digests.sha256), { ...sample, state })
      }
    }
    admitted.push({ id, seen, known: !isFresh.has(staged), queued: state === 'queued', requeued, renamed: false })
  }
  if (sightings.length > 0) {
    const renamed = await noteNewNames(
      trx,
      sightings.filter(({ staged }) => !isFresh.has(staged)),
    )
    await trx
      .insertInto('sightings')
      .values(
        sightings.map(({ staged: { name, userId, source, comment, folder, owner }, id }) => ({
          sample_id: id,
          name,
          user_id: userId,
          source,
          comment,
          seen,
          folder,
          owner,
        })),
      )
      .execute()
    return admitted.map((one) => (renamed.has(one.id) ? { ...one, renamed: true } : one))
  }
  return admitted
}

function sampleRow({ digests, name }: StagedFile, seen: number) {
  return {
    sha256: digests.sha256,
    sha1: digests.sha1,
    md5: digests.md5,
    sha512: digests.sha512,
    size: digests.size,
    stored: 1 as const,
    state: 'queued' as const,
    file_type: '',
    type_description: '',
    name,
    first_seen: seen,
    last_seen: seen,
    extracted_file_count: 0,
    classification: 0 as const,
  }
}

/** False when it was recorded before, or when the archive was deleted meanwhile. */
async function addMember(trx: Transaction, member: NonNullable<StagedFile['member']>, id: number): Promise<boolean> {
  const added = await trx
    .insertInto('members')
    .columns(['parent_id', 'child_id', 'path'])
    .expression((eb) =>
      eb
        .selectFrom('samples')
        .select(['id', eb.val(id).as('child_id'), eb.val(member.path).as('path')])
        .where('id', '=', member.parent),
    )
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (added.numInsertedOrUpdatedRows ?? 0n) > 0n
}

async function addTags(trx: Transaction, id: number, tags: readonly string[]): Promise<void> {
  await trx
    .insertInto('tags')
    .values(tags.map((tag) => ({ sample_id: id, tag })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/**
 * How many of the last times a sample was seen are compared with. An empty file is seen a hundred thousand times, and being
 * matched again under a name that it had long ago costs only the scan.
 */
const LOOKED_BACK = 256

/**
 * Notes which of known samples come under a name that they did not have: these are matched once more with the rules that
 * ask for names. A second name in the batch that brings the sample counts as well.
 */
async function noteNewNames(
  trx: Transaction,
  sightings: readonly { readonly staged: StagedFile; readonly id: number }[],
): Promise<ReadonlySet<number>> {
  if (sightings.length === 0) return new Set()
  const come = sightings.map(({ staged, id }) => ({ id, ...knownNameOf(staged) }))
  const { rows } = await sql<{ id: number }>`
    INSERT INTO new_names (sample_id)
    SELECT DISTINCT value ->> 'id' FROM json_each(${JSON.stringify(come)}) WHERE NOT EXISTS (
      SELECT 1 FROM (SELECT * FROM sightings WHERE sample_id = value ->> 'id' ORDER BY id DESC LIMIT ${LOOKED_BACK})
      WHERE name = value ->> 'name'
      AND coalesce(folder, '') = value ->> 'folder' AND coalesce(owner, '') = value ->> 'owner'
    )
    -- Those that wait already are returned as well.
    ON CONFLICT DO UPDATE SET sample_id = sample_id RETURNING sample_id AS id`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

/** The name is that of the last time somebody sent it; what an archive calls it does not change that. */
async function seeAgain(trx: Transaction, id: number, { name, source }: StagedFile, seen: number): Promise<void> {
  await trx
    .updateTable('samples')
    .set({ last_seen: sql`max(last_seen, ${seen})`, ...(source !== 'member' && { name }) })
    .where('id', '=', id)
    .execute()
}

/** An archive that did not open before, and now comes with a password. */
function worthAnotherTry(sample: KnownSample, { state }: StagedFile): boolean {
  return state.password !== null && sample.note !== null && sample.extractedFileCount === 0
}

async function requeue(trx: Transaction, id: number, { state }: StagedFile): Promise<void> {
  await trx.updateTable('samples').set({ state: 'queued' }).where('id', '=', id).execute()
  await unitOf(trx, 'admitSamples').intake.record([{ ...sentWith(state.password), sample: id, depth: state.depth }])
}
