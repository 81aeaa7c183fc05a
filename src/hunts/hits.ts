/** Results of ad-hoc hunts: how they are stored, and how they are read. */
import { type HitString, hitString, type RuleHit } from '../scanning/index.ts'
import type { Store, StoredHit, UnitOfWork } from '../store/index.ts'

/** One rule that holds on one sample. */
export interface HuntHit extends Omit<StoredHit, 'strings'> {
  readonly strings: readonly HitString[]
}

/** Stores the hits of one sample; those of a deleted sample are left out. Returns how many are new. */
export async function storeHits(
  tx: UnitOfWork,
  huntId: number,
  sampleId: number,
  hits: readonly RuleHit[],
  rulesetName: (key: string) => string,
): Promise<number> {
  const rows = hits.map(({ ruleset, rule, tags, strings, name = null }) => {
    return { ruleset: rulesetName(ruleset), rule, tags, strings: JSON.stringify(strings.map(hitString)), name }
  })
  return tx.hits.add(huntId, sampleId, rows)
}

/** Hits with an id above `after`, ascending; without those that another hunt has as well. */
export async function readHits(
  store: Store,
  huntId: number,
  after: number,
  limit: number,
  notIn?: number,
): Promise<HuntHit[]> {
  const rows = await store.hits.list(huntId, after, limit, notIn)
  return rows.map((row) => ({ ...row, strings: JSON.parse(row.strings) }))
}
