/** What the protocol's documents limit. A cloud refuses what is above; an appliance does not send it. */
export const limits = {
  /** Bytes of a ruleset's text in UTF-8. */
  textBytes: 1024 * 1024,
  /** Rules of a ruleset that can be hunted back with. */
  retroRules: 300,
} as const
