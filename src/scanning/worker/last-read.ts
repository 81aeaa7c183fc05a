import { parse, type SourceFile } from '../../yara/index.ts'

/** Characters of a text whose tree is kept; that of a long one takes much memory. */
const MOST_CHARACTERS = 1024 * 1024

let last: { readonly text: string; readonly source: SourceFile } | null = null

/** `parse`, once for a text that is checked and then planned. */
export function read(text: string): SourceFile {
  if (last?.text === text) return last.source
  const source = parse(text)
  last = text.length <= MOST_CHARACTERS ? { text, source } : null
  return source
}
