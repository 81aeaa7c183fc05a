/** Samples as Backtrail's own endpoints return them. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { classificationNames, type Sample } from '../../samples/index.ts'
import { type Classification, type Micros, toIso } from '../../store/index.ts'
import { ClassificationName, type SampleShape } from '../contract/samples.ts'
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

/** The first moment of a date, or the moment itself. Fails with `parameter.out-of-range`. */
export const startOf = (text: string): Micros => momentOf(text) * 1000

/** The last moment of a date, or the moment itself. */
export const endOf = (text: string): Micros =>
  (momentOf(text) + (/^\d{4}-\d\d-\d\d$/.test(text) ? DAY_MS : 0.001)) * 1000 - 1

function momentOf(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text)
  // A time without an offset is UTC, as everywhere in the API.
  const moment = isTime ? Date.parse(/T|\s/.test(text) && !/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text) : NaN
  if (Number.isNaN(moment)) {
    throw new Failure('parameter.out-of-range', undefined, {
      parameters: { from: 'a date such as 2026-11-22, or a time in ISO 8601' },
    })
  }
  return moment
}
