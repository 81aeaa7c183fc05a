/** The samples on which the current text of a ruleset could not be run to its end. */
export interface StoredScanFailures {
  /** Whether it is new. */
  add(rulesetId: number, sampleId: number): Promise<boolean>
  /** How many samples that are. */
  count(rulesetId: number): Promise<number>
  /** The current revisions of the rulesets that failed on the sample. */
  revisionsOn(sampleId: number): Promise<number[]>
  deleteAll(rulesetId: number): Promise<void>
}
