import { hash } from 'node:crypto'
import type { RunnableRuleset } from './tasks.ts'

const digests = new WeakMap<RunnableRuleset, string>()

/** Names a ruleset's plan: rulesets come and go with their sets, and what was made of their plans is kept. SHA-256 in hexadecimal. */
export function planDigest(ruleset: RunnableRuleset): string {
  const digest = digests.get(ruleset) ?? hash('sha256', ruleset.plan)
  digests.set(ruleset, digest)
  return digest
}
