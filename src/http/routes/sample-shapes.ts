/** Samples as Backtrail's own endpoints return them. */
import { type Static, Type } from 'typebox'
import { classificationNames, type Sample } from '../../samples/index.ts'
import { type Classification, type Micros, toIso } from '../../store/index.ts'
import { ClassificationName, type SampleShape } from '../contract/samples.ts'
import { InvalidInput } from '../problems.ts'
import { COMMAS } from '../validation.ts'

export function sampleJson(sample: Sample): Static<typeof SampleShape> {
  return {
    sha256: sample.sha256,
    sha1: sample.sha1,
    md5: sample.md5,
    sha512: sample.sha512,
    name: sample.name,
    size: sample.size,
    file_type: sample.fileType,
    type_description: sample.typeDescription,
    first_seen: toIso(sample.firstSeen),
    last_seen: toIso(sample.lastSeen),
    processed: sample.state === 'processed',
    extracted_file_count: sample.extractedFileCount,
    classification: classificationNames[sample.classification],
    riskscore: sample.riskScore,
    threat_name: sample.threatName,
    classification_origin: sample.classificationOrigin as 'user' | 'rules' | null,
    downloadable: sample.stored,
  }
}

/** Filters of samples that several lists share; each may be repeated where it is a list. */
export const sampleFilters = {
  file_type: Type.Optional(
    Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100, [COMMAS]: true, description: 'any of these' }),
  ),
  classification: Type.Optional(
    Type.Array(ClassificationName, { maxItems: 4, [COMMAS]: true, description: 'any of these' }),
  ),
  tag: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  from: Type.Optional(Type.String({ maxLength: 40, description: 'a date, or a time in ISO 8601; inclusive' })),
  to: Type.Optional(
    Type.String({ maxLength: 40, description: 'a date (the whole day), or a time in ISO 8601; inclusive' }),
  ),
}

export const classificationNumber = (name: (typeof classificationNames)[number]): Classification =>
  classificationNames.indexOf(name) as Classification

const DAY_MS = 86_400_000

/**
 * From the first moment of a date, to the last one of a date; of times, those moments. Fails with `InvalidInput`.
 */
export function periodOf(from: string | undefined, to: string | undefined): { from?: Micros; to?: Micros } {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(to ?? '')
  return {
    ...(from && { from: momentOf('from', from) * 1000 }),
    ...(to && { to: (momentOf('to', to) + (isDate ? DAY_MS : 0.001)) * 1000 - 1 }),
  }
}

function momentOf(name: string, text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text)
  // A time without an offset is UTC, as everywhere in the API.
  const moment = isTime ? Date.parse(/T|\s/.test(text) && !/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text) : NaN
  if (Number.isNaN(moment)) {
    const problem = 'must be a date such as 2026-11-22, or a time such as 2026-11-22T10:00:00Z'
    throw new InvalidInput([{ name, at: name, problem }])
  }
  return moment
}
