import type { Static } from 'typebox'
import type { RulesetEntry } from '../../rulesets/index.ts'
import { now, toIso } from '../../store/index.ts'
import type { RulesetShape } from '../contract/rulesets.ts'

/** A ruleset with its particulars, on the wire. */
export function rulesetJson(ruleset: RulesetEntry): Static<typeof RulesetShape> {
  const { enabled, expires } = ruleset
  const expired = !enabled && expires !== null && expires <= now()
  return {
    name: ruleset.name,
    owner: ruleset.owner,
    status: ruleset.status,
    reason: ruleset.reason ?? (expired ? `It was disabled by itself on its date of expiry, ${toIso(expires)}.` : null),
    enabled,
    system_ruleset: ruleset.core,
    cloud_synced: ruleset.cloudSynced,
    revision: ruleset.revision,
    created: toIso(ruleset.created),
    modified: toIso(ruleset.modified),
    last_matched: toIso(ruleset.lastMatched),
    disabled_rules: ruleset.disabledRules,
    tags: [...ruleset.tags],
    notes: ruleset.notes,
    expires: toIso(expires),
    expired,
    match_counts: ruleset.counts,
  }
}
