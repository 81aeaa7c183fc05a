import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type Account, Accounts } from '../accounts/index.ts'
import { Archives } from '../archives/index.ts'
import { archiveLimits } from '../archives/limits.fixture.ts'
import { LocalJobs, Work } from '../jobs/index.ts'
import { Matches } from '../matches/index.ts'
import { Rulesets } from '../rulesets/index.ts'
import { Samples } from '../samples/index.ts'
import { testLimits } from '../scanning/fixtures/open-pool.ts'
import { WorkerPool } from '../scanning/index.ts'
import { isSegmentName, LocalSegmentFiles, type SegmentFiles, Segments, StoredSegmentFiles } from '../segments/index.ts'
import {
  Bucket,
  type BucketSettings,
  type ContentStore,
  FileContents,
  isContentName,
  LocalCache,
  S3Contents,
  Scratch,
} from '../store/index.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { Intake, type IntakeLimits } from './index.ts'

/** What is said to the log while a test runs: its warnings and errors are there to be looked at. */
export class RecordingLog {
  readonly errors: { readonly particulars: object; readonly message: string }[] = []
  info(): void {}
  warn(particulars: object, message: string): void {
    this.errors.push({ particulars, message })
  }
  error(particulars: object, message: string): void {
    this.errors.push({ particulars, message })
  }
}

/** What settings give to the intake of a server. */
const intakeLimits: IntakeLimits = {
  uploadBytes: 700 * 1024 ** 2,
  scanBytes: 700 * 1024 ** 2,
  archiveDepth: 5,
  archiveMembers: 50_000,
  archiveBytes: 8 * 1024 ** 3,
}

export type Collection = Awaited<ReturnType<typeof openCollection>>

/** A real collection in a folder: database, contents, worker processes and all. `close` leaves the folder. */
export async function openCollection(
  folder: string,
  {
    workers = 1,
    limits = {},
    objects,
  }: {
    readonly workers?: number
    readonly limits?: Partial<IntakeLimits>
    /** Contents and segments are in an object store, and only copies of them in the folder. */
    readonly objects?: BucketSettings
  } = {},
) {
  const log = new RecordingLog()
  const database = await openDatabase(join(folder, 'backtrail.db'))
  const scratch = await Scratch.open(folder)
  const { contents, files, closePlace }: CollectionPlace = objects
    ? await objectsIn(folder, scratch, objects)
    : {
        contents: await FileContents.open(folder, scratch),
        files: new LocalSegmentFiles(join(folder, 'index'), scratch),
        closePlace: () => {},
      }
  const pool = new WorkerPool({ workers, folder: scratch.workers, log, limits: testLimits })
  const store = storeOf(database)
  const matches = new Matches(store)
  const rulesets = new Rulesets({
    store,
    checker: { check: (content) => pool.run('check', { content }, { priority: 'interactive' }) },
    planner: { plan: (content) => pool.run('plan', { content, explain: false }, { priority: 'interactive' }) },
  })
  const segments = new Segments({
    store,
    contents,
    pool,
    files,
    log,
  })
  const samples = new Samples({ store, contents, scratch, segments })
  const archives = new Archives(archiveLimits)
  const intake = new Intake({
    store,
    contents,
    scratch,
    pool,
    rulesets,
    matches,
    segments,
    archives,
    log,
    jobs: new LocalJobs(new Work({ pool, contents, files }), workers),
    workers,
    limits: { ...intakeLimits, ...limits },
  })
  const operator: Account = await new Accounts(store).users.operator()
  return {
    folder,
    log,
    database,
    store,
    contents,
    files,
    scratch,
    pool,
    matches,
    rulesets,
    segments,
    samples,
    intake,
    operator,
    /** What is being written, or was left. */
    async underWay(): Promise<string[]> {
      const names = await readdir(dirname(scratch.workers))
      return names.filter((name) => name !== basename(scratch.workers))
    },
    async close() {
      await intake.stop()
      await segments.stop()
      await pool.stop()
      closePlace()
      await scratch.close()
      await database.destroy()
    },
  }
}

interface CollectionPlace {
  readonly contents: ContentStore & Pick<FileContents, 'recover'>
  readonly files: SegmentFiles
  readonly closePlace: () => void
}

async function objectsIn(folder: string, scratch: Scratch, settings: BucketSettings): Promise<CollectionPlace> {
  const bucket = await Bucket.open(settings)
  const cache = await LocalCache.open({
    folder: join(folder, 'cache'),
    limit: 64 * 1024 ** 2,
    keptFree: 0,
    isName: (name) => isContentName(name) || isSegmentName(name),
    keepsOverBoots: isSegmentName,
  })
  const onLeft = (error: unknown) => {
    throw error
  }
  return {
    contents: new S3Contents({ bucket, cache, scratch, onLeft }),
    files: new StoredSegmentFiles({ bucket, cache, scratch }),
    closePlace: () => bucket.close(),
  }
}

/** Started, with a folder of its own that goes when the test ends. */
export async function freshCollection(
  t: { after(work: () => Promise<void>): void },
  options: Parameters<typeof openCollection>[1] = {},
): Promise<Collection> {
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-intake-'))
  const collection = await openCollection(folder, options)
  t.after(async () => {
    await collection.close()
    await rm(folder, { recursive: true })
  })
  await collection.segments.start()
  await collection.intake.start()
  return collection
}
