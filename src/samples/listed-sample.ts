import { type Classification, type Sample, toIso } from '../store/index.ts'

/** The vendor's words for the four classifications, by number. */
export const classificationNames = ['unknown', 'goodware', 'suspicious', 'malicious'] as const

/** One result of `samples/v2/list`; a request may name fewer fields. */
export interface ListedSample {
  readonly id: number
  readonly sha1: string
  readonly sha256: string | null
  readonly sha512: string | null
  readonly md5: string | null
  readonly category: string
  /** The first part of the type: `PE` of `PE/Exe`. */
  readonly file_type: string
  /** Its second part: `Exe`. */
  readonly file_subtype: string
  /** The whole type, as matches and filters have it: `PE/Exe`. */
  readonly type_display: string
  readonly identification_name: string
  /** Always empty: no version is identified here. */
  readonly identification_version: string
  readonly file_size: number
  readonly extracted_file_count: number
  /** ISO 8601 with microseconds and Z. */
  readonly local_first_seen: string
  readonly local_last_seen: string
  readonly classification: (typeof classificationNames)[Classification]
  readonly classification_origin: string | null
  readonly classification_reason: string | null
  readonly classification_source: string | null
  readonly riskscore: number | null
  readonly threat_name: string | null
  readonly aliases: readonly string[]
  readonly tags: { readonly user: readonly string[] }
}

/** All the names that `fields` may hold. */
export const listedFields: readonly (keyof ListedSample)[] = [
  'id',
  'sha1',
  'sha256',
  'sha512',
  'md5',
  'category',
  'file_type',
  'file_subtype',
  'type_display',
  'identification_name',
  'identification_version',
  'file_size',
  'extracted_file_count',
  'local_first_seen',
  'local_last_seen',
  'classification',
  'classification_origin',
  'classification_reason',
  'classification_source',
  'riskscore',
  'threat_name',
  'aliases',
  'tags',
]

/** What decides a classification, in the vendor's words. */
const reasons: Readonly<Record<string, string>> = { user: 'User Classification', rules: 'YARA' }

/** The vendor's view of a sample. */
export function listedSample(
  sample: Sample,
  extras: { readonly tags: readonly string[]; readonly aliases: readonly string[] },
): ListedSample {
  const [kind = '', subtype = '', name = ''] = sample.fileType.split('/')
  const reason = reasons[sample.classificationOrigin ?? ''] ?? null
  return {
    id: sample.id,
    sha1: sample.sha1,
    sha256: sample.sha256,
    sha512: sample.sha512,
    md5: sample.md5,
    category: categoryOf(kind, subtype),
    file_type: kind,
    file_subtype: subtype,
    type_display: sample.fileType,
    identification_name: name,
    identification_version: '',
    file_size: sample.size,
    extracted_file_count: sample.extractedFileCount,
    local_first_seen: toIso(sample.firstSeen),
    local_last_seen: toIso(sample.lastSeen),
    classification: classificationNames[sample.classification],
    classification_origin: sample.classificationOrigin,
    classification_reason: reason,
    classification_source: reason,
    riskscore: sample.riskScore,
    threat_name: sample.threatName,
    aliases: extras.aliases,
    tags: { user: extras.tags },
  }
}

/** The vendor's factor of 0 to 5 behind a risk score: its own of goodware, what is above 5 of threats. */
export function factorOf({ classification, riskscore }: Pick<ListedSample, 'classification' | 'riskscore'>): number {
  if (riskscore === null || classification === 'unknown') return 0
  return classification === 'goodware' ? riskscore : Math.max(0, riskscore - 5)
}

function categoryOf(kind: string, subtype: string): string {
  if (/^(PE|ELF|MachO|DEX|MZ)/.test(kind)) return 'application'
  if (subtype === 'Archive') return 'archive'
  if (kind === 'Document') return 'document'
  if (kind === 'Text') return 'text'
  if (kind === 'Image' || kind === 'Audio' || kind === 'Video') return 'media'
  return 'other'
}
