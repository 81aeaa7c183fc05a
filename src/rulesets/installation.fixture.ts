import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, Accounts } from '../accounts/index.ts'
import { Matches } from '../matches/index.ts'
import { planText } from '../planner/index.ts'
import { now, type Store } from '../store/index.ts'
import { addProcessedSample } from '../store/processed-sample.fixture.ts'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { parse } from '../yara/index.ts'
import type { Checker } from './checker.ts'
import { Rulesets } from './rulesets.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'

/** For tests: a database on disk with users, rulesets and matches on it, and samples that are rows without contents. */
export interface Installation {
  readonly database: Database
  readonly store: Store
  readonly accounts: Accounts
  readonly rulesets: Rulesets
  readonly matches: Matches
  readonly admin: Account
  readonly ada: Account
  readonly bob: Account
  /** Texts that were checked, in order. */
  readonly checked: string[]
  /** A processed sample; its hashes are made of its number. Returns its id. */
  sample(fileType?: string): Promise<number>
  /** Another `Rulesets` on the same database, as after a restart; by default with the same planner. */
  restarted(planner?: RulesetPlanner): Rulesets
  close(): Promise<void>
}

/** Our parser stands for the engine here: a worker process for each test would cost more than it tells. */
const checker: Checker = {
  async check(content) {
    const { diagnostics } = parse(content)
    return { valid: diagnostics.every((diagnostic) => diagnostic.severity !== 'error'), diagnostics }
  },
}

/** The planner in this process, for the same reason. */
export const planner: RulesetPlanner = { plan: async (content) => planText(content) }

export async function openInstallation(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-installation-'))
  const database = await openDatabase(join(folder, 'backtrail.db'))
  const store = storeOf(database)
  const accounts = new Accounts(store)
  const admin = await accounts.users.operator()
  const account = async (name: string): Promise<Account> => {
    const id = await store.users.add({ name, passwordHash: '', role: 'user', contributes: false, created: now() })
    return { id, name, role: 'user' }
  }
  const ada = await account('ada')
  const bob = await account('bob')
  const checked: string[] = []
  const noted: Checker = {
    check(content) {
      checked.push(content)
      return checker.check(content)
    },
  }
  let samples = 0
  return {
    database,
    store,
    accounts,
    matches: new Matches(store),
    rulesets: new Rulesets({ store, checker: noted, planner }),
    admin,
    ada,
    bob,
    checked,
    async sample(fileType = 'PE/Exe') {
      samples += 1
      const given = { name: `sample-${samples}.exe`, size: 1000 + samples, fileType, at: now() }
      return addProcessedSample(store, `sample ${samples}`, given)
    },
    restarted: (other = planner) => new Rulesets({ store, checker: noted, planner: other }),
    async close() {
      await database.destroy()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A rule that compiles; `body` makes the difference between two texts of the same rule. */
export function rule(name: string, body = 'text', tagsAndMeta = ''): string {
  const [tags, meta = ''] = tagsAndMeta.split('|')
  const head = `rule ${name}${tags ? ` : ${tags}` : ''}`
  return `${head} {\n${meta ? `  meta: ${meta}\n` : ''}  strings: $a = "${body}"\n  condition: $a\n}\n`
}
