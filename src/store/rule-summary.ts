/** What is kept of a rule beside the text. */
export interface RuleSummary {
  readonly name: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string | number | boolean>>
  /** The same for two rules exactly when they match the same samples for the same reasons: see src/yara. */
  readonly fingerprint: string
}
