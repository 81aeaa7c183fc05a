import type { MatchedString, MatchedStrings } from '../../api/samples.ts'

/** A string of a match in the sample. */
export interface Mark extends MatchedString {
  readonly rule: string
}

/** The strings of one rule, or of all of them, by ascending offset. */
export function marksOf(found: MatchedStrings | undefined, rule: string): readonly Mark[] {
  const rules = found?.rules.filter((each) => rule === '' || each.rule === rule) ?? []
  return rules
    .flatMap((each) => each.strings.map((string) => ({ ...string, rule: each.rule })))
    .sort((a, b) => a.offset - b.offset || b.length - a.length)
}

/** For every byte of a window whether a mark covers it: the first that does, by its place among the marks, or -1. */
export function coverOf(marks: readonly Mark[], start: number, length: number): Int32Array {
  const cover = new Int32Array(length).fill(-1)
  for (const [place, { offset, length: size }] of marks.entries()) {
    const from = Math.max(0, offset - start)
    const to = Math.min(length, offset + size - start)
    for (let at = from; at < to; at++) if (cover[at] === -1) cover[at] = place
  }
  return cover
}
