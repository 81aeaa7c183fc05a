import type { LeftOut } from '../yara/index.ts'
import type { HuntText } from './hunt-text.ts'
import type { Selection } from './selection.ts'

/** Names of texts, hashes, types and tags of a selection, and pieces that do not run, that an outline holds. */
const SHOWN = 20
/** Characters of each. */
const LONGEST = 500

/**
 * What is shown of a hunt's request wherever hunts are listed or followed. The request itself can have 32 MB of texts
 * and 100,000 hashes; it never changes, so its outline is made once and kept.
 */
export interface Outline {
  /** Of the first texts. */
  readonly names: readonly string[]
  readonly texts: number
  /** With the first of its hashes, types and tags only. */
  readonly selection: Selection
  readonly hashes: number
  /** The first of what does not run, with the name of its text. */
  readonly leftOut: readonly (LeftOut & { readonly text: string })[]
  readonly allLeftOut: number
}

export function outlineOf(texts: readonly HuntText[], selection: Selection): Outline {
  const { hashes, fileTypes, tags, namePattern, query } = selection
  return {
    names: first(texts.map(({ name }) => name)),
    texts: texts.length,
    selection: {
      ...selection,
      ...(hashes && { hashes: first(hashes) }),
      ...(fileTypes && { fileTypes: first(fileTypes) }),
      ...(tags && { tags: first(tags) }),
      ...(namePattern && { namePattern: shortened(namePattern) }),
      ...(query && { query: shortened(query) }),
    },
    hashes: hashes?.length ?? 0,
    leftOut: texts
      .flatMap(({ name, leftOut = [] }) =>
        leftOut
          .slice(0, SHOWN)
          .map((one) => ({ ...one, name: shortened(one.name), reason: shortened(one.reason), text: name })),
      )
      .slice(0, SHOWN),
    allLeftOut: texts.reduce((sum, { leftOut = [] }) => sum + leftOut.length, 0),
  }
}

const first = (texts: readonly string[]) => texts.slice(0, SHOWN).map(shortened)

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text
}
