import pLimit from 'p-limit'
import { Failure } from '../errors/index.ts'
import type { CheckedBy, Checker } from '../rulesets/index.ts'
import { type Diagnostic, type LeftOut, ruleText, runnableText } from '../yara/index.ts'

/** A YARA text under the name that results show as `ruleset`. */
export interface HuntText {
  readonly name: string
  readonly content: string
  /** What does not run of it, where the rest was asked to; absent when everything does. */
  readonly leftOut?: readonly LeftOut[]
}

/** What the engine gets of a text. */
export function runnableOf({ content, leftOut = [] }: HuntText): string {
  return runnableText(content, leftOut)
}

/** Texts of one request that are checked at once: fewer than there are processes for it, so that others find one. */
const CHECKED_AT_ONCE = 3

/** Checks texts of one request, in their order; the answers are in that order. */
export function checkTogether<Text, Answer>(
  texts: readonly Text[],
  check: (text: Text) => Promise<Answer>,
): Promise<Answer[]> {
  const limit = pLimit(CHECKED_AT_ONCE)
  return Promise.all(texts.map((text) => limit(check, text)))
}

/** A hit is told by the name of its text and its rule: the second of a name is `name (2)`. */
function withOwnNames(given: readonly HuntText[]): readonly HuntText[] {
  const taken = new Set<string>()
  return given.map((text) => {
    let { name } = text
    for (let n = 2; taken.has(name); n++) name = `${text.name} (${n})`
    taken.add(name)
    return { ...text, name }
  })
}

/**
 * The texts as they run, each with what there is to say about it.
 * Fails with `rules.invalid` when one of them does not compile; every diagnostic carries the name of its text. With
 * `partial` it fails only where no rule of any text compiles, and the rules that do not are left out. Rejects once the
 * signal of `by` is aborted.
 */
export async function checkTexts(
  given: readonly HuntText[],
  checker: Checker,
  partial: boolean,
  by: CheckedBy,
): Promise<readonly { readonly text: HuntText; readonly diagnostics: readonly Diagnostic[] }[]> {
  const texts = withOwnNames(given).map(({ name, content }): HuntText => ({ name, content: ruleText(content) }))
  const checks = await checkTogether(texts, ({ content }) => checker.check(content, partial, by))
  const works = partial ? checks.some(({ valid }) => valid) : checks.every(({ valid }) => valid)
  if (!works) {
    const diagnostics = checks.flatMap(({ diagnostics }, position) =>
      diagnostics.map((diagnostic) => ({ text: texts[position]?.name, ...diagnostic })),
    )
    throw new Failure('rules.invalid', undefined, { diagnostics })
  }
  return texts.map((text, position) => {
    const { valid, diagnostics, leftOut = [] } = checks[position] as (typeof checks)[number]
    const out = valid ? leftOut : [wholeOf(text, diagnostics)]
    return { text: out.length === 0 ? text : { ...text, leftOut: out }, diagnostics }
  })
}

/** A text of which nothing compiles. */
function wholeOf(text: HuntText, diagnostics: readonly Diagnostic[]): LeftOut {
  const error = diagnostics.find(({ severity }) => severity === 'error')
  return wholeLeftOut(text, error?.message ?? 'it does not compile', error)
}

/** A text of which nothing runs, and why. */
export function wholeLeftOut(
  { name, content }: HuntText,
  reason: string,
  { line, column }: { readonly line: number; readonly column: number } = { line: 1, column: 1 },
): LeftOut {
  return { kind: 'text', name, line, column, reason, from: 0, to: content.length }
}
