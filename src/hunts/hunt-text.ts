import { Failure } from '../errors/index.ts'
import type { Checker } from '../rulesets/index.ts'
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

/**
 * The texts as they run, each with what there is to say about it.
 * Fails with `rules.invalid` when one of them does not compile; every diagnostic carries the name of its text. With
 * `partial` it fails only where no rule of any text compiles, and the rules that do not are left out.
 */
export async function checkTexts(
  given: readonly HuntText[],
  checker: Checker,
  partial: boolean,
): Promise<readonly { readonly text: HuntText; readonly diagnostics: readonly Diagnostic[] }[]> {
  const texts = given.map(({ name, content }): HuntText => ({ name, content: ruleText(content) }))
  const checks = await Promise.all(texts.map(({ content }) => checker.check(content, partial)))
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

/** A text of which nothing runs. */
function wholeOf({ name, content }: HuntText, diagnostics: readonly Diagnostic[]): LeftOut {
  const error = diagnostics.find(({ severity }) => severity === 'error')
  const { line, column, message } = error ?? { line: 1, column: 1, message: 'it does not compile' }
  return { kind: 'text', name, line, column, reason: message, from: 0, to: content.length }
}
