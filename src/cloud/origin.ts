/** Which cloud the states are about: the account and the address, under a key of the settings. */
import { now, type Store } from '../store/index.ts'
import { noHunt, writeRow } from './ruleset-row.ts'

const KEY = 'cloud-origin'

/**
 * Notes to which cloud this appliance is connected. When it is another than before, that one may know nothing of our
 * rulesets: all that should be there are noted to be delivered.
 */
export async function recordOrigin(store: Store, origin: string): Promise<void> {
  await store.transaction('changeCloud', async (tx) => {
    const before = await tx.settings.find(KEY)
    await tx.settings.set(KEY, origin)
    if (before === null || before === origin) return
    // What the former cloud should have forgotten stays there: it cannot be reached any more.
    await tx.outbox.deleteRemovals()
    for (const { id, name, revisionId } of await tx.cloudRulesets.listWithText()) {
      await tx.outbox.add({ name, rulesetId: id, revisionId, at: now() })
      await writeRow(tx, id, { state: 'absent', revisionId: null, reason: null, ...noHunt })
    }
  })
}
