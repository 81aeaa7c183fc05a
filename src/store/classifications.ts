/** 0 unknown, 1 goodware, 2 suspicious, 3 malicious, as the API numbers them. */
export type Classification = 0 | 1 | 2 | 3

/** What a rule says about the samples that it matches. */
export interface Verdict {
  readonly rule: string
  /** 2 suspicious, 3 malicious. */
  readonly classification: 2 | 3
  /** 5 to 10. */
  readonly riskScore: number
  /** From the rule's name; null where that names none, so that the sample's file type decides. */
  readonly platform: string | null
  /** `Type.Name`. */
  readonly threat: string
}

/** What a user says about a sample. */
export interface UserClassification {
  readonly classification: Classification
  readonly riskScore: number | null
  readonly threatName: string | null
}

/** The first prefix that a sample's file type has decides the platform of a threat; a type with none is `Binary`. */
export const platformsOfTypes = [
  ['PE/.Net', 'ByteCode-MSIL'],
  ['PE+/.Net', 'ByteCode-MSIL'],
  ['PE/', 'Win32'],
  ['PE+/', 'Win64'],
  ['ELF', 'Linux'],
  ['MachO', 'MacOS'],
  ['DEX/', 'Android'],
  ['Document/', 'Document'],
  ['Text/HTML', 'Text-HTML'],
  ['Text/', 'Script'],
  ['Binary/Archive', 'Archive'],
] as const

/**
 * What is said about samples: the verdicts of rules, by ruleset, the word of users, and the classification in force. That
 * is the user's word where there is one, else the gravest verdict of the rules that match (malicious before suspicious,
 * then the higher risk), else unknown.
 */
export interface StoredClassifications {
  verdictsOf(rulesetId: number): Promise<Verdict[]>
  replaceVerdicts(rulesetId: number, verdicts: readonly Verdict[]): Promise<void>
  /** Null takes it back. What is in force comes with `update`. */
  setUserClassification(sampleId: number, own: UserClassification | null): Promise<void>
  /** Brings the classification of these samples up to date, with other queries in between where they are many. */
  update(sampleIds: readonly number[]): Promise<void>
}
