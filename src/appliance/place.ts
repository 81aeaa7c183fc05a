/**
 * Where an appliance keeps what it has: all of it in one data folder, or rows in PostgreSQL and contents and segments in an
 * object store, with a data folder for what is under way and for copies.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { LocalSegmentFiles, SEGMENT_OBJECTS, type SegmentFiles } from '../segments/index.ts'
import type { Settings } from '../settings/index.ts'
import {
  type Bucket,
  type CheckedAtStart,
  type ContentStore,
  contentFolder,
  DAMAGED_OBJECTS,
  DATABASE,
  type DatabaseHealth,
  demandOwnPrefix,
  FileContents,
  openSoundStore,
  refuseLostDatabase,
  refuseUnfinishedMove,
  type S3Contents,
  Scratch,
  type Store,
} from '../store/index.ts'
import { holdsSamples, openCopies } from './cluster-place.ts'
import type { Opened } from './opened.ts'
import type { Begun } from './standing-by.ts'
import { openStores } from './stores.ts'

export interface Place {
  readonly store: Store
  readonly scratch: Scratch
  readonly contents: ContentStore & Recovering
  readonly files: SegmentFiles
  /** The file of the database, and how it was checked at the start; null for PostgreSQL, which looks after its own. */
  readonly database: { readonly file: string; readonly checked: CheckedAtStart; readonly bytes: number } | null
  /** Rejects when the place must not be written to any more. */
  readonly lost: Promise<never>
  /** Of the lock of the database in PostgreSQL; null for a data folder. */
  readonly term: string | null
  /** Each deletes some of what has no row; gives how many. */
  readonly sweeps: readonly (() => Promise<number>)[]
}

interface Recovering {
  /** Deletes those of the contents that have no row: a process that is gone had intents for them. Gives how many. */
  recover(digests: readonly Uint8Array[], hasRow: (sha256: Uint8Array) => Promise<boolean>): Promise<number>
}

interface Opening {
  readonly settings: Settings
  readonly health: DatabaseHealth
  readonly log: Log
  readonly opened: Opened
  /** What the caller has already of a cluster. */
  readonly begun?: Begun | undefined
}

/** What is opened is added to `opened`. The data folder is locked already. */
export function openPlace(opening: Opening): Promise<Place> {
  return opening.settings.database === '' ? openFolder(opening) : openCluster(opening)
}

/** In the data folder of a server whose rows are elsewhere. */
const NOTE = 'cluster'

async function openFolder({ settings, health, opened }: Opening): Promise<Place> {
  const { data } = settings
  const file = join(data, DATABASE)
  if (existsSync(join(data, NOTE))) {
    throw new Failure(
      'settings.invalid',
      `The folder ${data} belongs to a server of the database ${noteIn(data)}: start it with --database and --store, or name another folder with --data.`,
    )
  }
  refuseUnfinishedMove(data)
  await refuseLostDatabase(data, file)
  const { store, checked } = await openSoundStore(file, health)
  opened.add(() => store.close())
  const scratch = await Scratch.open(data)
  opened.add(() => scratch.close())
  return {
    store,
    scratch,
    contents: await FileContents.open(data, scratch),
    files: new LocalSegmentFiles(join(data, 'index'), scratch),
    database: { file, checked, bytes: statSync(file).size },
    lost: new Promise<never>(() => {}),
    term: null,
    sweeps: [],
  }
}

async function openCluster({ settings, health, log, opened, begun }: Opening): Promise<Place> {
  const { data } = settings
  if (existsSync(join(data, DATABASE))) throw holdsSamples(data)
  const { bucket, lock, store } = await openStores(settings, health, opened, begun && { lock: begun.lock })
  await demandOwnPrefix(bucket, store)
  writeFileSync(join(data, NOTE), `${withoutPassword(settings.database)}\n`, { mode: 0o600 })
  const { scratch, contents, files } = await openCopies({
    ...{ settings, bucket, log, opened, scratch: begun?.workers?.scratch },
    demandOwner: () => store.settings.find('cluster-id'),
  })
  return {
    store,
    scratch,
    contents,
    files,
    database: null,
    lost: lock.lost,
    term: lock.term,
    sweeps: [sweepInTurns(contents, store), () => endOldUploads(bucket)],
  }
}

const DAY_MS = 24 * 60 * 60 * 1_000
/** Parts of the 256 that are looked at each time: all of them within a day, at ten minutes each. */
const PARTS_AT_ONCE = 2

/** In the folders that are ours: others may have the bucket too. */
async function endOldUploads(bucket: Bucket): Promise<number> {
  let ended = 0
  for (const folder of [contentFolder(), SEGMENT_OBJECTS, DAMAGED_OBJECTS])
    ended += await bucket.endUploads(folder, Date.now() - DAY_MS)
  return ended
}

/** Listing all contents is dear where there are many: each time the next few of their parts. */
function sweepInTurns(contents: S3Contents, { samples }: Store): () => Promise<number> {
  // Anywhere, so that servers that start anew again and again come to all of them.
  let next = Math.floor(Math.random() * 256)
  return async () => {
    let deleted = 0
    for (let part = 0; part < PARTS_AT_ONCE; part++) {
      deleted += await contents.sweep(next, samples)
      next = (next + 1) % 256
    }
    return deleted
  }
}

function withoutPassword(database: string): string {
  return database.replace(/^(\w+:\/\/[^/:@]*):[^@/]*@/, '$1@').replace(/([?&]password=)[^&]*/, '$1')
}

function noteIn(data: string): string {
  return readFileSync(join(data, NOTE), 'utf8').trim()
}
