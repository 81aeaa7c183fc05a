import type { LeftOut } from '../yara/index.ts'
import type { HuntText } from './hunt-text.ts'
import type { Selection } from './selection.ts'

/** Names of texts, hashes of a selection, and pieces that do not run, that an outline holds. */
const SHOWN = 20

/**
 * What is shown of a hunt's request wherever hunts are listed or followed. The request itself can have 32 MB of texts
 * and 100,000 hashes; it never changes, so its outline is made once and kept.
 */
export interface Outline {
  /** Of the first texts. */
  readonly names: readonly string[]
  readonly texts: number
  /** With the first of its hashes only. */
  readonly selection: Selection
  readonly hashes: number
  /** The first of what does not run, with the name of its text. */
  readonly leftOut: readonly (LeftOut & { readonly text: string })[]
  readonly allLeftOut: number
}

export function outlineOf(texts: readonly HuntText[], selection: Selection): Outline {
  const { hashes } = selection
  return {
    names: texts.slice(0, SHOWN).map(({ name }) => name),
    texts: texts.length,
    selection: { ...selection, ...(hashes && { hashes: hashes.slice(0, SHOWN) }) },
    hashes: hashes?.length ?? 0,
    leftOut: texts
      .flatMap(({ name, leftOut = [] }) => leftOut.slice(0, SHOWN).map((one) => ({ ...one, text: name })))
      .slice(0, SHOWN),
    allLeftOut: texts.reduce((sum, { leftOut = [] }) => sum + leftOut.length, 0),
  }
}
