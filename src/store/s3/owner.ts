/**
 * Whose objects these are. A cluster has an id, in its database and in an object at the prefix, and works only where both
 * are the same: else one would sweep away what another has stored, or miss what its rows name.
 */
import { randomUUID } from 'node:crypto'
import { Failure } from '../../errors/index.ts'
import { now, toIso } from '../clock.ts'
import type { Store } from '../store.ts'
import type { Bucket } from './bucket.ts'

/** Of the settings in the database. */
const KEY = 'cluster-id'
export const CLUSTER_MARKER = 'backtrail-cluster.json'

/**
 * Takes a prefix for the cluster of this database, where it is of nobody, or finds that it has it. Throws
 * `storage.unusable` for a prefix of another cluster, and for one that is not that of this cluster's contents.
 */
export async function demandOwnPrefix(
  bucket: Pick<Bucket, 'read' | 'create' | 'address'>,
  { settings, samples }: Pick<Store, 'settings' | 'samples'>,
): Promise<void> {
  const known = await settings.find(KEY)
  const id = known ?? randomUUID()
  let owner = await ownerOf(bucket)
  if (owner === null && known !== null && (await samples.countContents()) > 0) {
    throw new Failure(
      'storage.unusable',
      `There is nothing of this cluster at ${bucket.address}, although its database has samples: --store names another place than it was set up with. Name that one, or restore it first.`,
    )
  }
  if (owner === null) {
    // The row first: where this process is killed in between, the next one makes the marker of the same id.
    if (known === null) await settings.set(KEY, id)
    const marker = {
      cluster: id,
      made: toIso(now()),
      about: 'Objects of a Backtrail cluster; leave this one in place.',
    }
    await bucket.create(CLUSTER_MARKER, Buffer.from(`${JSON.stringify(marker, null, 2)}\n`))
    owner = await ownerOf(bucket)
  }
  if (owner === id) return
  throw new Failure(
    'storage.unusable',
    `The objects at ${bucket.address} belong to another cluster (${owner ?? 'unknown'}) than the database (${known ?? 'new'}): give each cluster a prefix of its own with --store.`,
  )
}

/** For a node: the prefix has to be the one that a server of this database has taken. Throws `storage.unusable`. */
export async function demandKnownPrefix(
  bucket: Pick<Bucket, 'read' | 'address'>,
  { settings }: Pick<Store, 'settings'>,
): Promise<void> {
  const known = await settings.find(KEY)
  const owner = await ownerOf(bucket)
  if (known !== null && owner === known) return
  throw new Failure(
    'storage.unusable',
    known === null || owner === null
      ? `There is nothing of this cluster at ${bucket.address} yet: start a server with the same --database and --store first.`
      : `The objects at ${bucket.address} belong to another cluster (${owner}) than the database (${known}): give the node the --store of its server.`,
  )
}

/** The id at the prefix; null where there is none. */
async function ownerOf(bucket: Pick<Bucket, 'read' | 'address'>): Promise<string | null> {
  const bytes = await bucket.read(CLUSTER_MARKER)
  if (bytes === null) return null
  try {
    const { cluster } = JSON.parse(Buffer.from(bytes).toString()) as { cluster?: unknown }
    if (typeof cluster === 'string') return cluster
  } catch {
    // Told below.
  }
  throw new Failure(
    'storage.unusable',
    `${bucket.address}${CLUSTER_MARKER}, which says whose objects these are, cannot be read as such.`,
  )
}
