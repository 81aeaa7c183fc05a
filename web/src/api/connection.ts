/**
 * Whether the server answers.
 *
 *    answering ──(a request does not reach it)──▶ lost ──(a look finds it)──▶ answering
 *
 * While it is lost, looks go out until one is answered. Queries wait meanwhile, with what they had loaded, and are asked
 * again when it is back (`application.tsx`); so pages go on by themselves.
 */
import { useSyncExternalStore } from 'react'
import { atServer } from './root.ts'

const LOOK_MS = 700

/** When the first request did not reach the server, in milliseconds since 1970; null while it answers. */
let lostSince: number | null = null
const listeners = new Set<() => void>()

export const isLost = (): boolean => lostSince !== null

/** Calls back when the server is lost, and when it is back. Gives the way to end that. */
export function onConnection(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useLostSince = (): number | null => useSyncExternalStore(onConnection, () => lostSince)

/** Told by whoever has a request that did not reach the server. */
export function noteLost(): void {
  if (isLost()) return
  change(Date.now())
  void lookUntilBack()
}

/** Looks once whether the server answers, for those who cannot tell from their own request. */
export async function lookForServer(): Promise<boolean> {
  try {
    // Any answer of its own will do; what stands in front of a server says 502 to 504 while it is away.
    const { status } = await fetch(atServer('/favicon.svg'), { method: 'HEAD', cache: 'no-store' })
    if (!isGatewayWithout(status)) return true
  } catch {
    // It did not get there.
  }
  noteLost()
  return false
}

/** Whether an answer with this status can come from what stands in front of a server that is away. */
export const isGatewayWithout = (status: number): boolean => status >= 502 && status <= 504

async function lookUntilBack(): Promise<void> {
  do {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  } while (!(await lookForServer()))
  change(null)
}

function change(since: number | null): void {
  lostSince = since
  for (const listener of listeners) listener()
}
