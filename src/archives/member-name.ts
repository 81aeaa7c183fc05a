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

/**
 * What a compressed single file is called that does not store its name: `dump.sql.gz` → `dump.sql`, `src.tgz` →
 * `src.tar`. Without such a suffix it keeps the name that it came under, so that rules about names hold for it too.
 */
export function nameWithoutSuffix(archiveName: string): string {
  const base = archiveName.replace(/^.*[\\/]/, '')
  const unpacked = base
    .replace(/\.(t([gbxz]z2?|zst|lz4?)|taz|tpz)$/i, '.tar')
    .replace(/\.svgz$/i, '.svg')
    .replace(/(?<=.)\.(gz|gzip|bz2|bzip2|xz|zst|zstd|lzma|lzma86|lz4|lz|z|mslz|ppmd)$/i, '')
  return unpacked || 'content'
}
