import { Failure } from '../errors/index.ts'
import type { Checker } from '../rulesets/index.ts'
import type { Diagnostic } from '../yara/index.ts'

/** A YARA text under the name that results show as `ruleset`. */
export interface HuntText {
  readonly name: string
  readonly content: string
}

/**
 * What there is to say about each of the texts, none of it an error.
 * Fails with `rules.invalid` when one of them does not compile; every diagnostic carries the name of its text.
 */
export async function refuseInvalid(texts: readonly HuntText[], checker: Checker): Promise<(readonly Diagnostic[])[]> {
  const checks = await Promise.all(texts.map(({ content }) => checker.check(content)))
  if (checks.every(({ valid }) => valid)) return checks.map(({ diagnostics }) => diagnostics)
  const diagnostics = checks.flatMap(({ diagnostics }, position) =>
    diagnostics.map((diagnostic) => ({ text: texts[position]?.name, ...diagnostic })),
  )
  throw new Failure('rules.invalid', undefined, { diagnostics })
}
