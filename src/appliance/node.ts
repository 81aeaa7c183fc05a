/** A node of a cluster: worker processes and copies of objects, which do parts of hunts for its server. */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'
import { NodeLoop, Work, workVersion } from '../jobs/index.ts'
import type { Log } from '../scanning/index.ts'
import type { Settings } from '../settings/index.ts'
import {
  asUnusableFolder,
  DATABASE,
  DatabaseHealth,
  demandKnownPrefix,
  lockDataFolder,
  lockNode,
  makeFilesPrivate,
  makePrivate,
  now,
  openStoreOfNode,
} from '../store/index.ts'
import { addressOf, BRIEFLY, holdsSamples, openBucket, openCopies } from './cluster-place.ts'
import { Opened } from './opened.ts'
import { endWorkers, startWorkers } from './workers.ts'

export interface ClusterNode {
  /** In the list of nodes. */
  readonly id: number
  /** Rejects when the node must end. */
  readonly lost: Promise<never>
  /** Parts that are under way end, or are given back, and the folder is free. */
  close(): Promise<void>
}

/**
 * Opens a node whose copies are in the folder `data`. Fails as a server of a cluster does, and where no server has worked on
 * the database yet.
 */
export async function openNode(settings: Settings, { log }: { readonly log: Log }): Promise<ClusterNode> {
  if (settings.database === '') {
    throw new Failure('settings.invalid', 'A node takes the --database and the --store of its server.')
  }
  if (settings.workers === 0) throw new Failure('settings.invalid', 'A node takes one worker or more (--workers).')
  const opened = new Opened(log)
  try {
    makeFilesPrivate()
    const lock = lockDataFolder(settings.data)
    opened.add(() => lock.release())
    makePrivate(settings.data)
    return await assemble(settings, log, opened)
  } catch (error) {
    await opened.close()
    throw asUnusableFolder(error, settings.data)
  }
}

async function assemble(settings: Settings, log: Log, opened: Opened): Promise<ClusterNode> {
  const { data, workers } = settings
  if (existsSync(join(data, DATABASE))) throw holdsSamples(data)
  const bucket = await openBucket(settings, opened, BRIEFLY)
  const url = addressOf(settings)
  const store = await openStoreOfNode(url, new DatabaseHealth())
  opened.add(() => store.close())
  await demandKnownPrefix(bucket, store)
  const { scratch, cache, contents, files } = await openCopies({ settings, bucket, log, opened })
  // What an earlier process of this node has left is not needed any more.
  await scratch.sweep(async () => {})
  const pool = startWorkers(settings, scratch, log)
  opened.add(() => endWorkers(pool))
  const id = await store.nodes.add({
    name: hostname(),
    version: workVersion(settings.engine),
    workers,
    cacheLimit: settings.cacheSize,
    started: now(),
  })
  opened.add(() => store.nodes.delete([id]))
  const lock = await lockNode(url, id)
  opened.add(() => lock.release())
  const work = new Work({ pool, contents, files })
  const loop = new NodeLoop({ id, store, work, pool, files, workers, cacheBytes: () => cache.bytes, log })
  opened.add(() => loop.stop(settings.shutdownGrace))
  loop.start()
  log.info({ node: id, data, workers }, 'the node is open')
  return { id, lost: loop.lost, close: () => opened.close() }
}
