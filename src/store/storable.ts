/** PostgreSQL keeps every text but those with the character 0 in them or with half a character. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}
