import { memoized } from '../planner/index.ts'
import type { RunnableRuleset } from './tasks.ts'

/**
 * Whether a ruleset may ask for what depends on a sample's name. A text that has one of the words somewhere else counts
 * too: that costs a scan, and never a match.
 */
export const asksForNames = memoized(({ content }: RunnableRuleset): boolean =>
  /\b(?:filename|filepath|extension|owner)\b/.test(content),
)
