/** The tables of unread marks as Kysely sees them; `schema.ts` has the others. */
import type { Micros } from './clock.ts'

export interface BellTables {
  bells: BellsTable
  bell_rulesets: BellRulesetsTable
  bell_hunts: BellHuntsTable
}

/** Up to where a user has read everything; see `bells.ts`. */
interface BellsTable {
  user_id: number
  match_id: number
  moment: Micros
}

interface BellRulesetsTable {
  user_id: number
  ruleset_id: number
  /** Null: a ruleset of one's own is followed, and no other. */
  follows: 0 | 1 | null
  match_id: number
}

interface BellHuntsTable {
  user_id: number
  hunt_id: number
}
