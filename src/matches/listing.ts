import { type Classification, type Database, listOf, type Micros } from '../store/index.ts'

/** One row: a rule of a ruleset holds on a sample, locally or in the cloud. */
export interface MatchRow {
  readonly id: number
  readonly sampleId: number
  readonly ruleset: string
  readonly rule: string
  readonly cloud: boolean
  /** When the match was recorded. */
  readonly created: Micros
  readonly classification: Classification
  /** 0 to 10; null where the classification has none. */
  readonly riskScore: number | null
  readonly threatName: string | null
  /** Hashes as lower-case hexadecimal digits; only the SHA-1 is known of every sample in the cloud. */
  readonly sha1: string
  readonly md5: string | null
  readonly sha256: string | null
  /** Null for a sample that only the cloud has. */
  readonly extractedFileCount: number | null
  readonly fileType: string
  readonly fileSize: number
  readonly filename: string
  /** The content is here. */
  readonly downloadable: boolean
}

/**
 * The ids of the matches of the samples that match all the rulesets. With several rulesets the samples of the first
 * are looked up in the others, so put the one with the fewest matches first.
 */
export function matchIds(database: Database, [first = 0, ...others]: readonly number[]) {
  const matches = database.selectFrom('matches').select('matches.id')
  if (others.length === 0) return matches.where('matches.ruleset_id', '=', first)
  let common = database
    .selectFrom('matches as rarest')
    .select('rarest.sample_id')
    .where('rarest.ruleset_id', '=', first)
  for (const other of others) {
    common = common.where((eb) =>
      eb.exists(
        eb
          .selectFrom('matches as also')
          .select('also.id')
          .where('also.ruleset_id', '=', other)
          .whereRef('also.sample_id', '=', 'rarest.sample_id'),
      ),
    )
  }
  return matches.where('matches.ruleset_id', 'in', [first, ...others]).where('matches.sample_id', 'in', common)
}

/** Matches with their samples and rulesets, in no particular order. */
export function matchesWithSamples(database: Database) {
  return database
    .selectFrom('matches')
    .innerJoin('samples', 'samples.id', 'matches.sample_id')
    .innerJoin('rulesets', 'rulesets.id', 'matches.ruleset_id')
    .select((eb) => [
      'matches.id',
      'matches.sample_id as sampleId',
      'rulesets.name as ruleset',
      'matches.rule',
      'matches.cloud',
      'matches.created',
      'samples.classification',
      'samples.risk_score as riskScore',
      'samples.threat_name as threatName',
      'samples.sha1',
      'samples.md5',
      'samples.sha256',
      'samples.extracted_file_count as extractedFileCount',
      'samples.file_type as fileType',
      'samples.size as fileSize',
      'samples.name as filename',
      eb.ref('samples.stored').as('stored'),
    ])
}

type StoredRow = Awaited<ReturnType<ReturnType<typeof matchesWithSamples>['execute']>>[number]

/** These matches, in the order of `ids`; those that are gone are left out. */
export async function matchesById(database: Database, ids: readonly number[]): Promise<MatchRow[]> {
  const rows = await matchesWithSamples(database).where('matches.id', 'in', listOf(ids)).execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = byId.get(id)
    return row ? [toMatchRow(row)] : []
  })
}

export function toMatchRow(row: StoredRow): MatchRow {
  const { stored, cloud, sha1, md5, sha256, extractedFileCount, ...rest } = row
  const downloadable = stored === 1
  return {
    ...rest,
    cloud: cloud === 1,
    sha1: hex(sha1),
    md5: md5 && hex(md5),
    sha256: sha256 && hex(sha256),
    extractedFileCount: downloadable ? extractedFileCount : null,
    downloadable,
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
