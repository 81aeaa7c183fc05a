import type { DatabaseHealth } from '../database-health.ts'
import type { Database } from '../sql/database.ts'
import { storeOver } from '../sql/repositories.ts'
import type { Store } from '../store.ts'
import { type CheckedAtStart, openSoundDatabase } from './database.ts'
import { sqliteEngine } from './engine.ts'

/** Opens the database file as `openSoundDatabase` does. */
export async function openSoundStore(
  path: string,
  health: DatabaseHealth,
): Promise<{ readonly store: Store; readonly checked: CheckedAtStart }> {
  const { database, checked } = await openSoundDatabase(path, health)
  return { store: storeOf(database), checked }
}

/** The store over an open database. Its units run one at a time on its one connection, whatever isolation they declare. */
export function storeOf(database: Database): Store {
  return storeOver(database, sqliteEngine, (_unit, work) => database.transaction().execute(work))
}
