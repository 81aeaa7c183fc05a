/** Which cloud the states are about: the account and the address, under a key of `settings`. */
import { type Database, keepValue, keptValue } from '../store/index.ts'
import { insertDelivery, noHunt, writeRow } from './ruleset-row.ts'

const KEY = 'cloud-origin'

/**
 * Notes to which cloud this appliance is connected. When it is another than before, that one may know nothing of our
 * rulesets: all that should be there are noted to be delivered.
 */
export async function recordOrigin(database: Database, origin: string): Promise<void> {
  await database.transaction().execute(async (trx) => {
    const before = await keptValue(trx, KEY)
    await keepValue(trx, KEY, origin)
    if (before === null || before === origin) return
    // What the former cloud should have forgotten stays there: it cannot be reached any more.
    await trx.deleteFrom('cloud_deliveries').where('revision_id', 'is', null).execute()
    const rows = await trx
      .selectFrom('cloud_rulesets')
      .innerJoin('rulesets', 'rulesets.id', 'cloud_rulesets.ruleset_id')
      .select(['rulesets.id', 'rulesets.name', 'cloud_rulesets.revision_id'])
      .where('cloud_rulesets.revision_id', 'is not', null)
      .execute()
    for (const { id, name, revision_id } of rows) {
      await insertDelivery(trx, { name, rulesetId: id, revisionId: revision_id })
      await writeRow(trx, id, { state: 'absent', revision_id: null, reason: null, ...noHunt })
    }
  })
}

/** Without a cloud nothing is validated or hunted there, so nothing keeps a ruleset from being changed. */
export async function clearStates(database: Database): Promise<void> {
  await database.updateTable('rulesets').set({ cloud_state: null }).where('cloud_state', 'is not', null).execute()
}
