/**
 * What the cloud has of each ruleset: the rows of `cloud_rulesets`, and what the rest of the program sees of them in
 * `rulesets` (`cloud_synced`, `cloud_state`). One function writes both.
 *
 * A ruleset goes `absent` → (its text is delivered) → `validating` → `stored` or `refused`. A changed text, a ruleset
 * that is disabled, and one that is no longer wanted go back to `absent`; one that no cloud takes is `unfit`.
 */
import type { Insertable, Selectable } from 'kysely'
import { type CloudRulesetsTable, type Database, now, type Transaction } from '../store/index.ts'

export type CloudRow = Selectable<CloudRulesetsTable>
/** What may be written of a row. */
export type RowChange = Partial<Omit<Insertable<CloudRulesetsTable>, 'ruleset_id'>>
export type RetroState = CloudRow['retro_state']

/** A ruleset of this appliance with what the cloud has of it. */
export interface KnownRuleset {
  readonly id: number
  readonly name: string
  readonly enabled: boolean
  readonly state: 'valid' | 'invalid' | 'error'
  /** Why it does not run here. */
  readonly reason: string | null
  /** Null when it never was to run in a cloud. */
  readonly cloud: CloudRow | null
}

/** As if no hunt had ever been asked for. */
export const noHunt = {
  retro_state: 'IDLE',
  retro_started: null,
  retro_finished: null,
  retro_estimated: null,
  retro_progress: null,
  retro_reason: null,
  retro_capped: 0,
} as const satisfies RowChange

/** Undefined where there is no ruleset of that name. */
export async function findKnown(database: Database, name: string): Promise<KnownRuleset | undefined> {
  const row = await database
    .selectFrom('rulesets')
    .select(['id', 'name', 'enabled', 'state', 'reason'])
    .where('name', '=', name)
    .where('tenant_id', 'is', null)
    .executeTakeFirst()
  if (!row) return undefined
  return { ...row, enabled: row.enabled === 1, cloud: (await rowOf(database, row.id)) ?? null }
}

export async function rowOf(database: Database, rulesetId: number): Promise<CloudRow | undefined> {
  return database.selectFrom('cloud_rulesets').selectAll().where('ruleset_id', '=', rulesetId).executeTakeFirst()
}

/** Makes the row, or changes what is given of it. Does nothing for a ruleset that is gone. */
export async function writeRow(trx: Transaction, rulesetId: number, change: RowChange): Promise<void> {
  const exists = await trx.selectFrom('rulesets').select('id').where('id', '=', rulesetId).executeTakeFirst()
  if (!exists) return
  const row = await trx
    .insertInto('cloud_rulesets')
    .values({ wanted: 1, state: 'absent', ...change, ruleset_id: rulesetId })
    .onConflict((conflict) => conflict.column('ruleset_id').doUpdateSet({ ruleset_id: rulesetId, ...change }))
    .returningAll()
    .executeTakeFirstOrThrow()
  await trx
    .updateTable('rulesets')
    .set({ cloud_synced: isThere(row) ? 1 : 0, cloud_state: stateShown(row) })
    .where('id', '=', rulesetId)
    .execute()
}

/** The cloud has the ruleset's present text. */
export function isThere({ wanted, state }: CloudRow): boolean {
  return wanted === 1 && (state === 'stored' || state === 'validating')
}

/** A hunt of the cloud is under way. */
export function isHunting({ retro_state }: CloudRow): boolean {
  return retro_state === 'RUNNING'
}

function stateShown(row: CloudRow): 'validating' | 'hunting' | 'capped' | null {
  if (row.state === 'validating') return 'validating'
  if (isHunting(row)) return 'hunting'
  return row.retro_capped === 1 ? 'capped' : null
}

/** Notes what has to reach the cloud under a name; nothing where something waits under it already. */
export async function insertDelivery(
  trx: Transaction,
  delivery: { readonly name: string; readonly rulesetId: number | null; readonly revisionId: number | null },
): Promise<void> {
  const time = now()
  await trx
    .insertInto('cloud_deliveries')
    .values({
      name: delivery.name,
      ruleset_id: delivery.rulesetId,
      revision_id: delivery.revisionId,
      created: time,
      due: time,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
