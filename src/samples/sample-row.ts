import type { Selectable } from 'kysely'
import { type Database, listOf, type SamplesTable } from '../store/index.ts'
import type { HashKind } from './hash.ts'
import type { Sample } from './sample.ts'

const columns = [
  'id',
  'sha256',
  'sha1',
  'md5',
  'sha512',
  'size',
  'stored',
  'state',
  'file_type',
  'type_description',
  'name',
  'first_seen',
  'last_seen',
  'processed_at',
  'extracted_file_count',
  'classification',
  'risk_score',
  'threat_name',
  'classification_origin',
  'note',
  'segment_id',
] as const satisfies readonly (keyof SamplesTable)[]

export type SampleRow = Pick<Selectable<SamplesTable>, (typeof columns)[number]>

/** A query for whole samples. */
export function samplesFrom(database: Database) {
  return database.selectFrom('samples').select(columns.map((column) => `samples.${column}` as const))
}

export function toSample(row: SampleRow): Sample {
  return {
    id: row.id,
    sha256: row.sha256?.toHex() ?? null,
    sha1: Buffer.from(row.sha1).toString('hex'),
    md5: row.md5?.toHex() ?? null,
    sha512: row.sha512?.toHex() ?? null,
    size: row.size,
    stored: row.stored === 1,
    state: row.state,
    fileType: row.file_type,
    typeDescription: row.type_description,
    name: row.name,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    processedAt: row.processed_at,
    extractedFileCount: row.extracted_file_count,
    classification: row.classification,
    riskScore: row.risk_score,
    threatName: row.threat_name,
    classificationOrigin: row.classification_origin,
    note: row.note,
    indexed: row.segment_id !== null,
  }
}

/** The samples with these digests of one kind; by digest in lower-case hexadecimal. A sample that is stored wins. */
export async function samplesByDigest(
  database: Database,
  kind: HashKind,
  digests: readonly Uint8Array[],
): Promise<Map<string, Sample>> {
  const found = new Map<string, Sample>()
  // Each digest is a parameter, since JSON has no bytes.
  for (let from = 0; from < digests.length; from += DIGESTS_AT_ONCE) {
    const rows = await samplesFrom(database)
      .where(kind, 'in', digests.slice(from, from + DIGESTS_AT_ONCE))
      .orderBy('stored')
      .orderBy('id', 'desc')
      .execute()
    for (const row of rows) found.set(row[kind]?.toHex() ?? '', toSample(row))
  }
  return found
}

const DIGESTS_AT_ONCE = 1_000

export async function samplesById(database: Database, ids: readonly number[]): Promise<Map<number, Sample>> {
  const rows = await samplesFrom(database).where('id', 'in', listOf(ids)).execute()
  return new Map(rows.map((row) => [row.id, toSample(row)]))
}
