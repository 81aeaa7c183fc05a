/** The tables of shared rulesets as Kysely sees them; `schema.ts` has the others. */
import type { Generated } from 'kysely'
import type { Micros } from './clock.ts'

export interface SharedTables {
  shared_texts: SharedTextsTable
  appliances: AppliancesTable
  shared_log: SharedLogTable
  shared_rulesets: SharedRulesetsTable
  publications: PublicationsTable
}

export interface SharedTextsTable {
  /** SHA-256 in hexadecimal digits. */
  digest: string
  packed: Uint8Array
}

export interface AppliancesTable {
  id: Generated<number>
  name: string
  token_hash: Uint8Array
  disabled: Generated<0 | 1>
  created: Micros
  last_seen: Generated<Micros | null>
  /** JSON. */
  report: Generated<string | null>
}

export interface SharedLogTable {
  sequence: number
  name: string
  version: number
  /** Null: it was deleted. */
  digest: string | null
  enabled: 0 | 1
  author: string
  appliance: string
  change_id: string
  time: Micros
  chain: string
}

export interface SharedRulesetsTable {
  name: string
  sequence: number
  version: number
  digest: string | null
  enabled: 0 | 1
  author: string
  appliance: string
  time: Micros
  taken: number
  taken_digest: string | null
  taken_enabled: 0 | 1
  problem: string | null
}

export interface PublicationsTable {
  id: Generated<number>
  name: string
  change_id: string
  digest: string | null
  enabled: 0 | 1
  author: string
  created: Micros
  attempts: Generated<number>
  due: Micros
  problem: Generated<string | null>
}
