/**
 * Which of the rules that hold on samples become matches. Whatever records matches asks here, wherever they were found:
 * a rule that is disabled by itself is evaluated like all others, since rules may refer to it, and makes no match.
 */
import type { RuleOfRuleset, UnitOfWork } from '../store/index.ts'

/** The ones whose rule is not disabled, in their order. In the unit of work that records them. */
export async function reportable<T extends RuleOfRuleset>(
  { ruleSwitches }: UnitOfWork,
  found: readonly T[],
): Promise<T[]> {
  if (found.length === 0) return []
  const disabled = new Set((await ruleSwitches.findDisabled(found)).map(keyOf))
  return found.filter((rule) => !disabled.has(keyOf(rule)))
}

function keyOf({ rulesetId, rule }: RuleOfRuleset): string {
  return `${rulesetId} ${rule}`
}
