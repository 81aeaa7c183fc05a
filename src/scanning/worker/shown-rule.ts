/**
 * What results carry of a rule beside its name. A rule may have megabytes of metadata and thousands of tags, and every
 * sample that it holds on gets them: so much of them that results stay results.
 */

const MOST_TAGS = 100
/** Entries of the metadata, characters of a value, and characters of all of them. */
const MOST_META = 100
const LONGEST_VALUE = 2_000
const MOST_CHARACTERS = 10_000

export function shownTags(tags: readonly string[]): readonly string[] {
  return tags.length > MOST_TAGS ? tags.slice(0, MOST_TAGS) : tags
}

type Meta = Readonly<Record<string, string | number | boolean>>

export function shownMeta(meta: Meta): Meta {
  let left = MOST_CHARACTERS
  const shown: [string, string | number | boolean][] = []
  for (const [key, value] of Object.entries(meta)) {
    if (shown.length >= MOST_META) break
    const cut = typeof value === 'string' && value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)} …` : value
    left -= key.length + String(cut).length
    if (left < 0) break
    shown.push([key, cut])
  }
  return Object.fromEntries(shown)
}
