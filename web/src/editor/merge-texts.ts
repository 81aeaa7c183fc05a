import { diff3Merge } from 'node-diff3'

export interface Merged {
  readonly text: string
  /** Places that both have changed; in each, both texts stand between lines of marks, which no rule has. */
  readonly conflicts: number
}

/** What two people made of one text, line by line: each change of either, and both where they are in the same place. */
export function mergeTexts(
  { mine, base, theirs }: { readonly mine: string; readonly base: string; readonly theirs: string },
  nameOfTheirs: string,
): Merged {
  const regions = diff3Merge(lines(mine), lines(base), lines(theirs))
  const text = regions.flatMap(({ ok, conflict }) =>
    conflict === undefined
      ? (ok ?? [])
      : ['<<<<<<< yours', ...conflict.a, '=======', ...conflict.b, `>>>>>>> ${nameOfTheirs}`],
  )
  return { text: text.join('\n'), conflicts: regions.filter(({ conflict }) => conflict !== undefined).length }
}

const lines = (text: string): string[] => text.split(/\r?\n/)
