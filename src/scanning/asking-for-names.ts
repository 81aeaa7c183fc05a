import type { RunnableRuleset } from './tasks.ts'

const known = new WeakMap<RunnableRuleset, boolean>()

/**
 * Whether a ruleset may ask for what depends on a sample's name. A text that has one of the words somewhere else counts
 * too: that costs a scan, and never a match.
 */
export function asksForNames(ruleset: RunnableRuleset): boolean {
  let asks = known.get(ruleset)
  if (asks === undefined) {
    asks = /\b(?:filename|filepath|extension|owner)\b/.test(ruleset.content)
    known.set(ruleset, asks)
  }
  return asks
}
