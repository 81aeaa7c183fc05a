import type { Selectable } from 'kysely'
import type { Sample } from '../samples.ts'
import type { SamplesTable } from '../schema.ts'
import type { Database } from './database.ts'

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

type SampleRow = Pick<Selectable<SamplesTable>, (typeof columns)[number]>

/** A query for whole samples. */
export function samplesFrom(database: Database) {
  return database.selectFrom('samples').select(columns.map((column) => `samples.${column}` as const))
}

export function toSample(row: SampleRow): Sample {
  return {
    id: row.id,
    sha256: row.sha256?.toHex() ?? null,
    sha1: row.sha1.toHex(),
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
