/** The database and the bucket of a cluster, for the one process that works on them. */
import { Failure } from '../errors/index.ts'
import {
  type Bucket,
  type DatabaseHealth,
  lockServer,
  MOVING,
  openPostgresTables,
  type ServerLock,
  type Store,
  type Tables,
} from '../store/index.ts'
import { addressOf, openBucket, type StoresSettings } from './cluster-place.ts'
import type { Opened } from './opened.ts'

export interface Stores {
  readonly bucket: Bucket
  readonly lock: ServerLock
  readonly store: Store
  /** Of the same database, for whoever copies all of them. */
  readonly tables: Tables
}

/**
 * Locks the database, unless the caller has its lock already, and brings its tables up to date; what is opened is added to
 * `opened`. `storage.unusable`, `database.unusable`, `database.locked`; `database.unusable` also for one that a folder is
 * being moved into, unless `isMove`.
 */
export async function openStores(
  settings: StoresSettings,
  health: DatabaseHealth,
  opened: Opened,
  { isMove = false, lock: got }: { readonly isMove?: boolean; readonly lock?: ServerLock } = {},
): Promise<Stores> {
  // First, since a wrong address must not make tables.
  const bucket = await openBucket(settings, opened)
  const url = addressOf(settings)
  const lock = got ?? (await lockServer(url))
  if (got === undefined) opened.add(() => lock.release())
  const { store, tables } = await openPostgresTables(url, health, lock.term)
  opened.add(() => store.close())
  if (!isMove && (await store.settings.find(MOVING)) !== null) {
    throw new Failure(
      'database.unusable',
      'A data folder is being moved into this database, and that did not come to its end: run "backtrail move" again.',
    )
  }
  return { bucket, lock, store, tables }
}
