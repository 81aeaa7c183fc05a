/**
 * How a ruleset stands with the cloud, in the words of the YARA Retro API. What each of them means here:
 *
 * | cloud_status | when |
 * |---|---|
 * | ACTIVE | the cloud has the present text and runs it |
 * | PENDING | it is on its way there, or being validated; `reason` says why that takes long |
 * | INVALID | the cloud refused it |
 * | ERROR | it cannot go there as it is: too large, too many rules, or it does not compile |
 * | CAPPED | as ACTIVE, and its last hunt stopped at the match limit |
 * | DISABLED | it is disabled here, or never was to run in a cloud |
 * | DELETED | it was to run there, and no longer is |
 */
import type { Micros, RetroState } from '../store/index.ts'
import { isThere, type KnownRuleset } from './ruleset-row.ts'

export type SideStatus = 'ERROR' | 'ACTIVE' | 'DISABLED' | 'DELETED' | 'PENDING' | 'INVALID' | 'CAPPED'

export interface CloudStatus {
  readonly name: string
  /** The cloud has the present text. */
  readonly isSaved: boolean
  readonly cloudStatus: SideStatus
  /** Of this appliance. */
  readonly localStatus: SideStatus
  readonly hunt: RetroState
  readonly started: Micros | null
  readonly finished: Micros | null
  readonly estimated: Micros | null
  /** 0 to 1 while it runs. */
  readonly progress: number | null
  /** What stands in the way; null when nothing does. */
  readonly reason: string | null
}

export function statusOf(ruleset: KnownRuleset, delivery: { readonly problem: string | null } | null): CloudStatus {
  const { name, cloud } = ruleset
  const cloudStatus = cloudStatusOf(ruleset)
  const undelivered = delivery?.problem ? `Not delivered yet: ${delivery.problem}` : null
  return {
    name,
    isSaved: cloud !== null && isThere(cloud),
    cloudStatus,
    localStatus: localStatusOf(ruleset),
    hunt: cloud?.retroState ?? 'IDLE',
    started: cloud?.retroStarted ?? null,
    finished: cloud?.retroFinished ?? null,
    estimated: cloud?.retroEstimated ?? null,
    progress: cloud?.retroProgress ?? null,
    reason: cloud?.retroReason ?? cloud?.reason ?? undelivered ?? ruleset.reason,
  }
}

function cloudStatusOf({ enabled, state, cloud }: KnownRuleset): SideStatus {
  if (!cloud) return 'DISABLED'
  if (!cloud.wanted) return 'DELETED'
  if (!enabled) return 'DISABLED'
  if (state !== 'valid' && cloud.state === 'absent') return 'ERROR'
  switch (cloud.state) {
    case 'absent':
    case 'validating':
      return 'PENDING'
    case 'refused':
      return 'INVALID'
    case 'unfit':
      return 'ERROR'
    case 'stored':
      return cloud.retroCapped ? 'CAPPED' : 'ACTIVE'
  }
}

function localStatusOf({ enabled, state }: KnownRuleset): SideStatus {
  if (!enabled) return 'DISABLED'
  return ({ valid: 'ACTIVE', invalid: 'INVALID', error: 'ERROR' } as const)[state]
}
