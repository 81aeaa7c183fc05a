const MAX_LENGTH = 1024
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it takes out.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/**
 * A member's name as text to show and store, never as a path to open: well-formed, '/' between its parts, each control
 * character and each character that turns the direction of writing replaced by '_', cut at 1,024 characters.
 */
export function memberName(stored: string): string {
  const clean = stored.toWellFormed().replaceAll('\\', '/').replace(CONTROL, '_')
  return clean.length <= MAX_LENGTH ? clean : clean.slice(0, MAX_LENGTH).toWellFormed()
}

/** What a compressed single file is called that does not store its name: `dump.sql.gz` → `dump.sql`. */
export function nameWithoutSuffix(archiveName: string): string {
  const base = archiveName.replace(/^.*[\\/]/, '')
  const unpacked = base.replace(/\.t([gbx]z2?|zst)$/i, '.tar').replace(/\.(gz|bz2|xz|zst|lzma|z)$/i, '')
  return unpacked !== base && unpacked !== '' ? unpacked : `${base || 'content'}~`
}
