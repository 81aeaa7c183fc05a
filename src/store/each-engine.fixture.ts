import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { DatabaseHealth } from './database-health.ts'
import { newDatabase, noServer } from './postgres/server.fixture.ts'
import { openPostgresStore } from './postgres/store.ts'
import { openDatabase } from './sqlite/database.ts'
import { storeOf } from './sqlite/store.ts'
import type { Store } from './store.ts'

interface TestedEngine {
  readonly name: string
  /** False, or why it cannot be tested here. */
  readonly skip: string | false
  /** A store with nothing in it, until the test ends. */
  fresh(t: TestContext): Promise<Store>
}

/** The databases that every test of the store's behaviour is run on. */
export const engines: readonly TestedEngine[] = [
  {
    name: 'SQLite',
    skip: false,
    async fresh(t) {
      const folder = await mkdtemp(join(tmpdir(), 'backtrail-store-'))
      const store = storeOf(await openDatabase(join(folder, 'backtrail.db')))
      t.after(async () => {
        await store.close()
        await rm(folder, { recursive: true })
      })
      return store
    },
  },
  {
    name: 'PostgreSQL',
    skip: noServer,
    async fresh(t) {
      const store = await openPostgresStore(await newDatabase(), new DatabaseHealth())
      t.after(() => store.close())
      return store
    },
  },
]
