/** Results of ad-hoc hunts: how they are stored, and how they are read. */
import { sql } from 'kysely'
import { type HitString, hitString, type RuleHit } from '../scanning/index.ts'
import type { Classification, Database, Transaction } from '../store/index.ts'

/** One rule that holds on one sample. */
export interface HuntHit {
  /** Grows in the order in which hits were found. */
  readonly id: number
  readonly ruleset: string
  readonly rule: string
  readonly tags: readonly string[]
  readonly strings: readonly HitString[]
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
  readonly sha1: string
  readonly md5: string
  /** The name that the rule held for, where it asks for names; else the sample's. */
  readonly filename: string
  readonly fileType: string
  readonly fileSize: number
  readonly classification: Classification
  readonly threatName: string | null
}

/** Stores the hits of one sample; those of a deleted sample are left out. Returns how many are new. */
export async function storeHits(
  trx: Transaction,
  huntId: number,
  sampleId: number,
  hits: readonly RuleHit[],
  rulesetName: (key: string) => string,
): Promise<number> {
  let stored = 0n
  for (const { ruleset, rule, tags, strings, name = null } of hits) {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('hunt_hits')
      .columns(['hunt_id', 'sample_id', 'ruleset', 'rule', 'tags', 'strings', 'name'])
      .expression(({ selectFrom, val }) =>
        selectFrom('samples')
          .where('id', '=', sampleId)
          .select([
            val(huntId).as('hunt_id'),
            'id as sample_id',
            val(rulesetName(ruleset)).as('ruleset'),
            val(rule).as('rule'),
            val(JSON.stringify(tags)).as('tags'),
            val(JSON.stringify(strings.map(hitString))).as('strings'),
            val(name).as('name'),
          ]),
      )
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    stored += numInsertedOrUpdatedRows ?? 0n
  }
  return Number(stored)
}

/** Hits with an id above `after`, ascending. */
export async function readHits(database: Database, huntId: number, after: number, limit: number): Promise<HuntHit[]> {
  const rows = await database
    .selectFrom('hunt_hits')
    .innerJoin('samples', 'samples.id', 'hunt_hits.sample_id')
    .select(['hunt_hits.id', 'ruleset', 'rule', 'tags', 'strings', 'file_type', 'size'])
    .select(({ fn }) => fn.coalesce('hunt_hits.name', 'samples.name').as('name'))
    .select(['classification', 'threat_name'])
    .select(sql<string>`lower(hex(sha256))`.as('sha256'))
    .select(sql<string>`lower(hex(sha1))`.as('sha1'))
    .select(sql<string>`lower(hex(md5))`.as('md5'))
    .where('hunt_id', '=', huntId)
    .where('hunt_hits.id', '>', after)
    .orderBy('hunt_hits.id')
    .limit(limit)
    .execute()
  return rows.map(({ tags, strings, name, file_type, size, threat_name, ...row }) => ({
    ...row,
    tags: JSON.parse(tags),
    strings: JSON.parse(strings),
    filename: name,
    fileType: file_type,
    fileSize: size,
    threatName: threat_name,
  }))
}
