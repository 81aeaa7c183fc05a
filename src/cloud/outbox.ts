/**
 * Records what has to reach the cloud, in the transaction of the change that makes it necessary: a kill in between
 * cannot leave one without the other. Each note says what the cloud shall have under a name in the end (this text, or
 * none), so the newest one replaces those that were not delivered yet, and delivering one twice does no harm.
 */
import { createHash } from 'node:crypto'
import type { ChangePurpose, RulesetObserver } from '../rulesets/index.ts'
import { now, type RuleSummary, type UnitOfWork } from '../store/index.ts'
import { limits } from '../tca/index.ts'
import { isHunting, noHunt, writeRow } from './ruleset-row.ts'

export class CloudOutbox implements RulesetObserver {
  readonly #isConnected: boolean
  readonly #wake: () => void
  /** Something was noted by a unit that may not be committed yet, or that was taken back. */
  #isNoted = false

  /** `wake` is called when something was noted and committed. */
  constructor({ isConnected, wake }: { readonly isConnected: boolean; readonly wake: () => void }) {
    this.#isConnected = isConnected
    this.#wake = wake
  }

  async recordChange(tx: UnitOfWork, rulesetId: number, { cloud: enabledInCloud }: ChangePurpose): Promise<void> {
    const row = await tx.cloudRulesets.find(rulesetId)
    const wasWanted = row?.wanted === true
    const wanted = enabledInCloud === true && !this.#isConnected ? wasWanted : (enabledInCloud ?? wasWanted)
    if (!row && !wanted) return
    await tx.samples.deleteUnreferenced()
    const { name, enabled, state, revisionId, content, rules } = await tx.rulesets.findText(rulesetId)
    const unsupported = unsupportedReason(content, rules)
    const runs = wanted && enabled && state === 'valid'
    const due = runs && unsupported === null ? revisionId : null
    const waiting = await tx.outbox.find(name)
    const coming = waiting ? waiting.revisionId : (row?.revisionId ?? null)

    if (due !== null && due === coming && row?.state !== 'refused') {
      await writeRow(tx, rulesetId, { wanted: true })
      return
    }
    if (due !== null) {
      await tx.cloudRulesets.setDigest(rulesetId, sha1(content), due)
      await this.#note(tx, name, rulesetId, due)
    } else if (coming !== null) {
      await this.#note(tx, name, rulesetId, null)
    }
    await writeRow(tx, rulesetId, {
      wanted,
      state: runs && unsupported !== null ? 'unfit' : 'absent',
      reason: runs ? unsupported : null,
      ...(due !== null && noHunt),
      ...(due === null && row && isHunting(row) && { ...noHunt, retroState: 'CANCELLED' as const }),
    })
  }

  async recordRemoval(tx: UnitOfWork, { id, name }: { readonly id: number; readonly name: string }): Promise<void> {
    await tx.samples.deleteUnreferenced()
    const row = await tx.cloudRulesets.find(id)
    const isThereOrComing = (await tx.outbox.find(name)) !== null || (row !== null && row.revisionId !== null)
    if (isThereOrComing) await this.#note(tx, name, null, null)
  }

  committed(): void {
    if (!this.#isNoted) return
    this.#isNoted = false
    this.#wake()
  }

  async #note(
    { outbox }: UnitOfWork,
    name: string,
    rulesetId: number | null,
    revisionId: number | null,
  ): Promise<void> {
    // A new row with a new id: whoever delivers the old one right now sees that it was replaced.
    await outbox.deleteByName(name)
    await outbox.add({ name, rulesetId, revisionId, at: now() })
    this.#isNoted = true
  }
}

/** Why no cloud takes the text; null when one may. */
function unsupportedReason(content: string, { length }: readonly RuleSummary[]): string | null {
  const bytes = Buffer.byteLength(content)
  if (bytes > limits.textBytes) {
    return `The text has ${bytes.toLocaleString('en')} bytes, and a cloud takes at most ${limits.textBytes.toLocaleString('en')}.`
  }
  return length > limits.retroRules
    ? `There are ${length} rules, and a cloud takes at most ${limits.retroRules}.`
    : null
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
