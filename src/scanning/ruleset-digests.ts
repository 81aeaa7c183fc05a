/** Names of what rulesets are made of. They come and go with their sets, and what was made of them or found with them is kept. */
import { hash } from 'node:crypto'
import type { RunnableRuleset } from './tasks.ts'

const plans = new WeakMap<RunnableRuleset, string>()
const texts = new WeakMap<RunnableRuleset, string>()

/** Names a ruleset's plan. SHA-256 in hexadecimal. */
export function planDigest(ruleset: RunnableRuleset): string {
  return digestOf(ruleset, 'plan', plans)
}

/**
 * Names a ruleset's text, as SHA-256 in hexadecimal: an analyst who tries a rule hunts with the same text again, and Local Retro
 * with all that are enabled.
 */
export function textKey(ruleset: RunnableRuleset): string {
  return digestOf(ruleset, 'content', texts)
}

/** The same for rulesets that match the same samples: of one text, parts report each its rule. */
export function matchKey(ruleset: RunnableRuleset): string {
  return ruleset.part === undefined ? textKey(ruleset) : `${textKey(ruleset)} ${ruleset.part.rule}`
}

/** The same for rulesets that give the same hits. */
export function scanKey(ruleset: RunnableRuleset): string {
  return ruleset.firstStrings ? `${matchKey(ruleset)} strings` : matchKey(ruleset)
}

function digestOf(ruleset: RunnableRuleset, of: 'plan' | 'content', known: WeakMap<RunnableRuleset, string>): string {
  const digest = known.get(ruleset) ?? hash('sha256', ruleset[of])
  known.set(ruleset, digest)
  return digest
}
