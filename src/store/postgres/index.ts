/**
 * PostgreSQL as the database of a cluster. What it takes is loaded when it is asked for: whoever has all in a data folder
 * starts without it.
 */
import type { DatabaseHealth } from '../database-health.ts'
import type { Store } from '../store.ts'
import type { Tables } from '../tables.ts'
import type { NodeLock } from './node-lock.ts'
import type { ServerLock, ServerQueue } from './server-lock.ts'

export type { NodeLock } from './node-lock.ts'
export type { ServerLock, ServerQueue } from './server-lock.ts'

/** See `store.ts`. */
export async function openPostgresTables(
  url: string,
  health: DatabaseHealth,
  term: string,
): Promise<{ readonly store: Store; readonly tables: Tables }> {
  const { openPostgresTables: open } = await import('./store.ts')
  return open(url, health, term)
}

/** See `server-lock.ts`. */
export async function lockServer(url: string): Promise<ServerLock> {
  const { lockServer: lock } = await import('./server-lock.ts')
  return lock(url)
}

/** See `server-lock.ts`. */
export async function queueForServer(url: string): Promise<ServerQueue> {
  const { queueForServer: queue } = await import('./server-lock.ts')
  return queue(url)
}

/** See `store.ts`. */
export async function openStoreOfStandby(url: string, health: DatabaseHealth): Promise<Store> {
  const { openStoreOfStandby: open } = await import('./store.ts')
  return open(url, health)
}

/** See `store.ts`. */
export async function openStoreOfNode(url: string, health: DatabaseHealth): Promise<Store> {
  const { openStoreOfNode: open } = await import('./store.ts')
  return open(url, health)
}

/** See `node-lock.ts`. */
export async function lockNode(url: string, id: number): Promise<NodeLock> {
  const { lockNode: lock } = await import('./node-lock.ts')
  return lock(url, id)
}
