/**
 * What the cloud has of each ruleset, and what the rest of the program sees of it in the ruleset itself (whether it is
 * synced, and its state). One function writes both.
 *
 * A ruleset goes `absent` → (its text is delivered) → `validating` → `stored` or `refused`. A changed text, a ruleset
 * that is disabled, and one that is no longer wanted go back to `absent`; one that no cloud takes is `unfit`.
 */
import type {
  CloudRuleset,
  CloudRulesetChange,
  CloudState,
  Repositories,
  RulesetCondition,
  UnitOfWork,
} from '../store/index.ts'

/** A ruleset of this appliance with what the cloud has of it. */
export interface KnownRuleset extends RulesetCondition {
  /** Null when it never was to run in a cloud. */
  readonly cloud: CloudRuleset | null
}

/** As if no hunt had ever been asked for. */
export const noHunt = {
  retroState: 'IDLE',
  retroStarted: null,
  retroFinished: null,
  retroEstimated: null,
  retroProgress: null,
  retroReason: null,
  retroCapped: false,
} as const satisfies CloudRulesetChange

/** Null where there is no ruleset of that name. */
export async function findKnown({ rulesets, cloudRulesets }: Repositories, name: string): Promise<KnownRuleset | null> {
  const ruleset = await rulesets.findCondition(name)
  return ruleset && { ...ruleset, cloud: await cloudRulesets.find(ruleset.id) }
}

/** Makes the row, or changes what is given of it. Does nothing for a ruleset that is gone. */
export async function writeRow(
  { rulesets, cloudRulesets }: UnitOfWork,
  rulesetId: number,
  change: CloudRulesetChange,
): Promise<void> {
  const row = await cloudRulesets.write(rulesetId, change)
  if (row) await rulesets.setCloudState(rulesetId, { synced: isThere(row), state: stateShown(row) })
}

/** The cloud has the ruleset's present text. */
export function isThere({ wanted, state }: CloudRuleset): boolean {
  return wanted && (state === 'stored' || state === 'validating')
}

/** A hunt of the cloud is under way. */
export function isHunting({ retroState }: CloudRuleset): boolean {
  return retroState === 'RUNNING'
}

function stateShown(row: CloudRuleset): CloudState | null {
  if (row.state === 'validating') return 'validating'
  if (isHunting(row)) return 'hunting'
  return row.retroCapped ? 'capped' : null
}
