/** What the plan says about single lines of a text, to be shown beside them. */
import type { LineNote } from '../../editor/line-notes.ts'
import { share } from '../../parts/numbers.ts'
import type { Explained } from './explanation.ts'

/** Texts can have thousands of rules; what is beyond is in the list beside the editor. */
const MOST_NOTES = 100

/** Of the rules that the plan has advice for, the costliest ones; the place is what lets their samples through. */
export function adviceNotes(explained: Explained | undefined): readonly LineNote[] {
  const { explanation } = explained ?? {}
  if (!explanation) return []
  const { corpus, texts } = explanation
  return texts
    .flatMap(({ rules }) => rules)
    .filter(({ advice }) => advice.length > 0)
    .sort((a, b) => b.expected.bytes - a.expected.bytes)
    .slice(0, MOST_NOTES)
    .map(({ weakest, expected, advice }) => ({
      line: weakest.line,
      words: `reads ${share(expected.bytes, corpus.bytes)} · ${advice.join(' ')}`,
    }))
}
