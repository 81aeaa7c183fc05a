import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, Accounts } from '../accounts/index.ts'
import { Matches } from '../matches/index.ts'
import { planText } from '../planner/index.ts'
import { now } from '../store/index.ts'
import { type Database, openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { parse } from '../yara/index.ts'
import { type Checker, Rulesets } from './rulesets.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'

/** For tests: a database on disk with users, rulesets and matches on it, and samples that are rows without contents. */
export interface Installation {
  readonly database: Database
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
  const accounts = new Accounts(storeOf(database))
  const admin = await accounts.users.operator()
  const account = async (name: string): Promise<Account> => {
    const { id } = await database
      .insertInto('users')
      .values({ name, password_hash: '', role: 'user', created: now() })
      .returning('id')
      .executeTakeFirstOrThrow()
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
    accounts,
    matches: new Matches(storeOf(database)),
    rulesets: new Rulesets({ store: storeOf(database), checker: noted, planner }),
    admin,
    ada,
    bob,
    checked,
    async sample(fileType = 'PE/Exe') {
      samples += 1
      const digest = (algorithm: string): Uint8Array => createHash(algorithm).update(`sample ${samples}`).digest()
      const { id } = await database
        .insertInto('samples')
        .values({
          sha256: digest('sha256'),
          sha1: digest('sha1'),
          md5: digest('md5'),
          sha512: digest('sha512'),
          size: 1000 + samples,
          stored: 1,
          state: 'processed',
          file_type: fileType,
          type_description: '',
          name: `sample-${samples}.exe`,
          first_seen: now(),
          last_seen: now(),
          extracted_file_count: 0,
          classification: 0,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },
    restarted: (other = planner) => new Rulesets({ store: storeOf(database), checker: noted, planner: other }),
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
