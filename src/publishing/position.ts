/** Up to where this appliance knows the manager's log, and which manager that is. */
import type { LogPosition, Repositories, Store } from '../store/index.ts'

const POSITION = 'publishing.position'
const KEY = 'publishing.manager-key'
const start: LogPosition = { sequence: 0, chain: '' }

export async function readPosition({ settings }: Repositories): Promise<LogPosition> {
  const kept = await settings.find(POSITION)
  return kept === null || kept === '' ? start : (JSON.parse(kept) as LogPosition)
}

export async function writePosition({ settings }: Repositories, { sequence, chain }: LogPosition): Promise<void> {
  await settings.set(POSITION, JSON.stringify({ sequence, chain }))
}

/** The key of the manager that was followed so far; null for none. */
export async function readManagerKey({ settings }: Repositories): Promise<string | null> {
  return settings.find(KEY)
}

/** What is known of another manager is of no use any more: what is here meets what this one has as if for the first time. */
export async function followManager(store: Store, key: string): Promise<void> {
  await store.transaction('changeManager', async (tx) => {
    const before = await tx.settings.find(KEY)
    if (before === key) return
    await tx.settings.set(KEY, key)
    if (before === null) return
    await tx.sharedRulesets.clear()
    await tx.settings.set(POSITION, '')
  })
}
