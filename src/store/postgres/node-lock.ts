/**
 * That a node lives: a lock of a session with its id, which PostgreSQL gives up when the process ends, however it ends. The
 * session has a connection of its own. Where it is lost it is taken again; until then others take the node for gone, and what
 * it settles under the fences of before is refused.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { NODE_LOCK } from './engine.ts'
import { demandSessions, isAlive, session } from './session.ts'

export interface NodeLock {
  release(): Promise<void>
}

const LOOK_MS = 1_000

/** Throws `database.unusable` where a proxy hands connections out transaction by transaction. */
export async function lockNode(url: string, id: number): Promise<NodeLock> {
  await demandSessions(url)
  let client = await lockedSession(url, id)
  const stopping = new AbortController()
  const { signal } = stopping
  const pause = () => delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => {})
  const keeping = (async () => {
    for (await pause(); !signal.aborted; await pause()) {
      if (await isAlive(client)) continue
      await client.end().catch(() => {})
      // Tried again at the next look.
      client = await lockedSession(url, id).catch(() => client)
    }
  })()
  return {
    async release() {
      stopping.abort()
      await keeping
      await client.end().catch(() => {})
    },
  }
}

async function lockedSession(url: string, id: number): Promise<pg.Client> {
  const client = await session(url, 'node lock')
  try {
    // The session of before may not have ended on the other side yet: this one waits for it.
    await client.query('SELECT pg_advisory_lock($1, $2)', [NODE_LOCK, id])
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}
