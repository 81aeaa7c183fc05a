const SENTENCE_LENGTH = 500

/** A text from another server, fit for a line. */
export function sentenceOf(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, SENTENCE_LENGTH)
}
