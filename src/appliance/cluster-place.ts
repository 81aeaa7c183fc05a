/** What servers and nodes of a cluster open alike: its object store, and copies of objects on their own disk. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { isSegmentName, StoredSegmentFiles } from '../segments/index.ts'
import type { Settings } from '../settings/index.ts'
import { Bucket, isContentName, LocalCache, type Patience, S3Contents, Scratch } from '../store/index.ts'
import type { Opened } from './opened.ts'

export function holdsSamples(folder: string): Failure {
  return new Failure(
    'settings.invalid',
    `The folder ${folder} has a database of its own, with samples that the one in PostgreSQL does not have: name an empty folder with --data.`,
  )
}

export type StoresSettings = Pick<
  Settings,
  | 'database'
  | 'databasePasswordFile'
  | 'store'
  | 'storeEndpoint'
  | 'storeRegion'
  | 'storePathStyle'
  | 'storeCredentials'
  | 'storeCa'
>

/** For nodes: the server does what a node gives back, so a node gives up early on an object store that it cannot reach. */
export const BRIEFLY: Patience = { tryMs: 5_000, leastTries: 2, silenceMs: 6_000, connectMs: 3_000 }

/** Throws `storage.unusable` where it does not answer. */
export async function openBucket(
  settings: StoresSettings,
  opened: Opened,
  patience: Partial<Patience> = {},
): Promise<Bucket> {
  const bucket = await Bucket.open({
    store: settings.store,
    endpoint: settings.storeEndpoint,
    region: settings.storeRegion,
    pathStyle: settings.storePathStyle === 'on',
    credentials: settings.storeCredentials,
    ca: settings.storeCa,
    patience,
  })
  opened.add(() => bucket.close())
  await bucket.demandAnswer()
  return bucket
}

export async function openCopies({
  settings: { data, cacheSize },
  bucket,
  log,
  opened,
  scratch: own,
  demandOwner = async () => {},
}: {
  readonly settings: Settings
  readonly bucket: Bucket
  readonly log: Log
  readonly opened: Opened
  /** Of this process, where it has one already, which stays open. */
  readonly scratch?: Scratch | undefined
  /** Rejects where another server has the database; nodes delete nothing. */
  readonly demandOwner?: () => Promise<unknown>
}) {
  const scratch = own ?? (await Scratch.open(data))
  if (own === undefined) opened.add(() => scratch.close())
  const cache = await LocalCache.open({
    folder: join(data, 'cache'),
    limit: cacheSize,
    isName: (name) => isContentName(name) || isSegmentName(name),
    // Segments have checksums; contents are taken for what their names say.
    keepsOverBoots: isSegmentName,
  })
  const onLeft = (error: unknown) => log.warn({ err: error }, 'a content without a sample could not be deleted yet')
  const contents = new S3Contents({ bucket, cache, scratch, demandOwner, onLeft })
  return { scratch, cache, contents, files: new StoredSegmentFiles({ bucket, cache, scratch }) }
}

/** The address of the database, with the password of the file. */
export function addressOf({ database, databasePasswordFile: file }: StoresSettings): string {
  if (file === '') return database
  let password: string
  try {
    password = readFileSync(file, 'utf8').split(/\r?\n/)[0] ?? ''
  } catch {
    throw new Failure('settings.invalid', `The file ${file} with the password of the database cannot be read.`)
  }
  return `${database}${database.includes('?') ? '&' : '?'}password=${encodeURIComponent(password)}`
}
