export const limits = {
  /** Seconds that a manager waits for news at most: proxies end what is silent for a minute. */
  waitSeconds: 50,
  /** Entries of one answer. */
  pageEntries: 500,
  /** Names in a report. */
  reportedNames: 100,
  /** Characters of a text: as many bytes as the request of a user may have, with room for what is escaped. */
  answerBytes: 80 * 1024 * 1024,
} as const
