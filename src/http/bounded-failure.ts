import { Failure } from '../errors/index.ts'

/** Characters of a message, and of any other text in a refusal. */
const MOST_CHARACTERS = 2_000
/** Entries of a list in `detail`, and names of an object. */
const MOST_ENTRIES = 100
const MOST_LEVELS = 4

/**
 * A failure that is short enough for an answer, whatever was put into it: names, texts and lists of a request can be
 * millions of characters long. `detail.not_shown` says how many entries of which list are not there.
 */
export function boundedFailure(failure: Failure): Failure {
  const detail: Record<string, unknown> = {}
  const notShown: Record<string, number> = {}
  for (const [name, value] of Object.entries(failure.detail).slice(0, MOST_ENTRIES)) {
    detail[name] = bounded(value, MOST_LEVELS)
    if (Array.isArray(value) && value.length > MOST_ENTRIES) notShown[name] = value.length - MOST_ENTRIES
  }
  if (Object.keys(notShown).length > 0) {
    detail.not_shown = notShown
    // Its name in earlier versions. Elsewhere `left_out` lists the rules that do not run although the rest does.
    detail.left_out = notShown
  }
  return new Failure(failure.code, shortened(failure.message), detail)
}

function bounded(value: unknown, levels: number): unknown {
  if (typeof value === 'string') return shortened(value)
  if (typeof value !== 'object' || value === null) return value
  if (levels === 0) return '…'
  if (Array.isArray(value)) return value.slice(0, MOST_ENTRIES).map((each) => bounded(each, levels - 1))
  const entries = Object.entries(value).slice(0, MOST_ENTRIES)
  return Object.fromEntries(entries.map(([name, each]) => [shortened(name), bounded(each, levels - 1)]))
}

function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} …` : text
}
