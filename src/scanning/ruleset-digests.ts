/** Names of what rulesets are made of. They come and go with their sets, and what was made of them or found with them is kept. */
import { hash } from 'node:crypto'
import { memoized } from '../planner/index.ts'
import type { RunnableRuleset } from './tasks.ts'

/** Names a ruleset's plan. SHA-256 in hexadecimal. */
export const planDigest = memoized(({ plan }: RunnableRuleset) => hash('sha256', plan))

/**
 * Names a ruleset's text, as SHA-256 in hexadecimal: an analyst who tries a rule hunts with the same text again, and Local Retro
 * with all that are enabled.
 */
export const textKey = memoized(({ content }: RunnableRuleset) => hash('sha256', content))

/** The same for rulesets that match the same samples: of one text, parts report each its rule. */
export function matchKey(ruleset: RunnableRuleset): string {
  return ruleset.part === undefined ? textKey(ruleset) : `${textKey(ruleset)} ${ruleset.part.rule}`
}

/** The same for rulesets that give the same hits. */
export function scanKey(ruleset: RunnableRuleset): string {
  return ruleset.firstStrings ? `${matchKey(ruleset)} strings` : matchKey(ruleset)
}
