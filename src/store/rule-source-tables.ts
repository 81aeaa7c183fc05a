/** The tables of rule sources as Kysely sees them; `schema.ts` has the others. */
import type { Generated } from 'kysely'
import type { Micros } from './clock.ts'

/** Repositories and archives that rulesets are fetched from; see `rule-sources.ts`. */
export interface RuleSourcesTable {
  id: Generated<number>
  name: string
  owner_id: number
  kind: 'git' | 'archive'
  url: string
  branch: string
  token: string
  updates: number
  deletes: 0 | 1
  created: Micros
  modified: Micros
  version: string | null
  synced: Micros | null
  /** 1: with new files; 2: and over what was edited here. */
  wanted: number | null
  due: Micros | null
  failures: Generated<number>
  problem: string | null
}

/** The rule files of a source, as of the last synchronization. */
export interface RuleSourceFilesTable {
  source_id: number
  path: string
  state: 'offered' | 'imported' | 'gone'
  digest: string | null
  disabled: Generated<0 | 1>
  problem: string | null
}
