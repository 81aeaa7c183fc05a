/**
 * Records what has to reach the cloud, in the transaction of the change that makes it necessary: a kill in between
 * cannot leave one without the other. Each note says what the cloud shall have under a name in the end (this text, or
 * none), so the newest one replaces those that were not delivered yet, and delivering one twice does no harm.
 */
import { createHash } from 'node:crypto'
import type { RulesetObserver } from '../rulesets/index.ts'
import { deleteUnreferenced } from '../samples/index.ts'
import { type RuleSummary, type Transaction, transactionOf, type UnitOfWork } from '../store/index.ts'
import { limits } from '../tca/index.ts'
import { insertDelivery, isHunting, noHunt, rowOf, writeRow } from './ruleset-row.ts'

export class CloudOutbox implements RulesetObserver {
  readonly #isConnected: boolean
  readonly #wake: () => void

  /** `wake` is called when something was noted; its transaction may not have ended then. */
  constructor({ isConnected, wake }: { readonly isConnected: boolean; readonly wake: () => void }) {
    this.#isConnected = isConnected
    this.#wake = wake
  }

  async recordChange(tx: UnitOfWork, rulesetId: number, enabledInCloud: boolean | undefined): Promise<void> {
    const trx = transactionOf(tx)
    const row = await rowOf(trx, rulesetId)
    const wanted =
      enabledInCloud === true && !this.#isConnected ? row?.wanted === 1 : (enabledInCloud ?? row?.wanted === 1)
    if (!row && !wanted) return
    await deleteUnreferenced(trx)
    const { name, enabled, state, revision, content, rules } = await trx
      .selectFrom('rulesets')
      .leftJoin('revisions', 'revisions.id', 'rulesets.revision_id')
      .select(['rulesets.name', 'enabled', 'state', 'revision_id as revision', 'revisions.content', 'revisions.rules'])
      .where('rulesets.id', '=', rulesetId)
      .executeTakeFirstOrThrow()
    const unsupported = unsupportedReason(content ?? '', rules ?? '[]')
    const runs = wanted && enabled === 1 && state === 'valid'
    const due = runs && unsupported === null ? revision : null
    const waiting = await trx.selectFrom('cloud_deliveries').select('revision_id').where('name', '=', name).execute()
    const [last] = waiting
    const coming = last ? last.revision_id : (row?.revision_id ?? null)

    if (due !== null && due === coming && row?.state !== 'refused') {
      await writeRow(trx, rulesetId, { wanted: 1 })
      return
    }
    if (due !== null) {
      await trx
        .insertInto('cloud_digests')
        .values({ ruleset_id: rulesetId, digest: sha1(content ?? ''), revision_id: due })
        .onConflict((conflict) => conflict.columns(['ruleset_id', 'digest']).doUpdateSet({ revision_id: due }))
        .execute()
      await this.#note(trx, name, rulesetId, due)
    } else if (coming !== null) {
      await this.#note(trx, name, rulesetId, null)
    }
    await writeRow(trx, rulesetId, {
      wanted: wanted ? 1 : 0,
      state: runs && unsupported !== null ? 'unfit' : 'absent',
      reason: runs ? unsupported : null,
      ...(due !== null && noHunt),
      ...(due === null && row && isHunting(row) && { ...noHunt, retro_state: 'CANCELLED' as const }),
    })
  }

  async recordRemoval(tx: UnitOfWork, { id, name }: { readonly id: number; readonly name: string }): Promise<void> {
    const trx = transactionOf(tx)
    await deleteUnreferenced(trx)
    const row = await rowOf(trx, id)
    const waiting = await trx.selectFrom('cloud_deliveries').select('id').where('name', '=', name).executeTakeFirst()
    if (waiting || (row && row.revision_id !== null)) await this.#note(trx, name, null, null)
  }

  async #note(trx: Transaction, name: string, rulesetId: number | null, revisionId: number | null): Promise<void> {
    // A new row with a new id: whoever delivers the old one right now sees that it was replaced.
    await trx.deleteFrom('cloud_deliveries').where('name', '=', name).execute()
    await insertDelivery(trx, { name, rulesetId, revisionId })
    this.#wake()
  }
}

/** Why no cloud takes the text; null when one may. */
function unsupportedReason(content: string, rules: string): string | null {
  const bytes = Buffer.byteLength(content)
  if (bytes > limits.textBytes) {
    return `The text has ${bytes.toLocaleString('en')} bytes, and a cloud takes at most ${limits.textBytes.toLocaleString('en')}.`
  }
  const { length } = JSON.parse(rules) as RuleSummary[]
  return length > limits.retroRules
    ? `There are ${length} rules, and a cloud takes at most ${limits.retroRules}.`
    : null
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
