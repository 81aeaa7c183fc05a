/**
 * How an appliance stands with its manager. What each state means here, the first that fits:
 *
 * | state | when |
 * |---|---|
 * | Disabled | an administrator of the manager has disabled it: its token is refused |
 * | PendingNew | it was added, and has not asked for anything yet |
 * | Unavailable | it has not asked for longer than it should take |
 * | Error | it reports that it cannot take or send something |
 * | NoRules | nothing is shared, neither there nor here |
 * | InSync | it has the same rulesets as the manager: names, texts, switches |
 * | OutOfSync | it has others: something was changed there, or is on its way |
 */
import type { ApplianceReport } from '../manager-protocol/index.ts'
import type { Micros, StoredAppliance } from '../store/index.ts'

export const applianceStates = [
  'InSync',
  'OutOfSync',
  'Error',
  'Unavailable',
  'PendingNew',
  'Disabled',
  'NoRules',
] as const
export type ApplianceState = (typeof applianceStates)[number]

/** An appliance whose token was right. */
export interface KnownAppliance {
  readonly id: number
  readonly name: string
}

export interface SharedSet {
  readonly digest: string
  readonly count: number
}

export function stateOf(
  { disabled, lastSeen }: Pick<StoredAppliance, 'disabled' | 'lastSeen'>,
  report: ApplianceReport | null,
  shared: SharedSet,
  { time, away }: { readonly time: Micros; readonly away: Micros },
): ApplianceState {
  if (disabled) return 'Disabled'
  if (lastSeen === null || report === null) return 'PendingNew'
  if (time - lastSeen > away) return 'Unavailable'
  if (report.problem !== '') return 'Error'
  if (report.rulesets === 0 && shared.count === 0) return 'NoRules'
  return report.digest === shared.digest ? 'InSync' : 'OutOfSync'
}
