/**
 * Matches that a cloud found. A cloud reports them in two feeds, of what arrives there (live) and of its hunts (retro),
 * and may report the same again: a match remembers which feeds reported it, so that clearing the results of
 * a hunt leaves what the other feed reported.
 */
import type { CloudFinding, UnitOfWork } from '../store/index.ts'
import { reportable } from './reportable.ts'

/**
 * Stores findings of a feed; storing them again changes nothing. Findings of rules that were changed since their
 * revision are left out: they say nothing about the rule as it is now. So are those of rules that are disabled by
 * themselves, and those of allowed samples: a cloud knows nothing of either. Returns how many matches are new or new in this feed.
 */
export async function recordCloudMatches(
  tx: UnitOfWork,
  feed: 'live' | 'retro',
  findings: readonly CloudFinding[],
): Promise<number> {
  const current = await reportable(tx, await currentFindings(tx, findings), ({ sampleId }) => sampleId)
  const samples = await tx.matches.addFromCloud(feed, current)
  for (const [rulesetId, found] of Map.groupBy(current, (finding) => finding.rulesetId)) {
    const latest = found.reduce((latest, { at }) => Math.max(latest, at), 0)
    await tx.rulesets.recordMatch([rulesetId], latest)
  }
  await tx.classifications.update([...new Set(samples)])
  return samples.length
}

/** Removes what only the retro feed reported of a ruleset. Returns how many matches went. */
export async function clearRetroMatches(tx: UnitOfWork, rulesetId: number): Promise<number> {
  const samples = await tx.matches.clearRetro(rulesetId)
  await tx.rulesets.forgetLastMatched(rulesetId)
  await tx.classifications.update([...new Set(samples)])
  return samples.length
}

/** Lets another row stand for the same sample: its matches of the cloud are those of `to` afterwards. */
export async function moveCloudMatches(tx: UnitOfWork, samples: { from: number; to: number }): Promise<void> {
  await tx.matches.moveFromCloud(samples)
  await tx.classifications.update([samples.to])
}

/** Those whose rule is still the same in the ruleset's last text that compiled. */
async function currentFindings({ revisions }: UnitOfWork, findings: readonly CloudFinding[]): Promise<CloudFinding[]> {
  const known = await revisions.rulesThenAndNow([...new Set(findings.map(({ revisionId }) => revisionId))])
  const current = new Map(
    known.map(({ id, rules, currentRules }) => {
      const fingerprints = new Map(currentRules.map((rule) => [rule.name, rule.fingerprint]))
      const same = rules.filter((rule) => fingerprints.get(rule.name) === rule.fingerprint)
      return [id, new Set(same.map((rule) => rule.name))]
    }),
  )
  return findings.filter(({ revisionId, rule }) => current.get(revisionId)?.has(rule))
}
