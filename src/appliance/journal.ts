import type { Database, Micros } from '../store/index.ts'

/** Something that went on by itself and that an operator or a ruleset's owner should know. */
export interface JournalEntry {
  readonly id: number
  readonly created: Micros
  /** Such as `ruleset-suspended` or `segment-damaged`. */
  readonly kind: string
  readonly message: string
  /** What it is about, where that still is there. */
  readonly ruleset: string | null
  readonly sha1: string | null
}

/** Of a message, which may quote what an engine or a system said. */
const MOST_CHARACTERS = 2_000

/** The latest entries, newest first. What is about tenants' rulesets is left out: users of the appliance read this. */
export async function readJournal(database: Database, limit: number): Promise<JournalEntry[]> {
  const rows = await database
    .selectFrom('journal')
    .leftJoin('rulesets', 'rulesets.id', 'journal.ruleset_id')
    .leftJoin('samples', 'samples.id', 'journal.sample_id')
    .select(['journal.id', 'journal.created', 'kind', 'rulesets.name as ruleset', 'samples.sha1'])
    .select(({ fn, val }) => fn<string>('substr', ['message', val(1), val(MOST_CHARACTERS)]).as('message'))
    .where('rulesets.tenant_id', 'is', null)
    .orderBy('journal.id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ sha1, ...entry }) => ({ ...entry, sha1: sha1 && Buffer.from(sha1).toString('hex') }))
}
