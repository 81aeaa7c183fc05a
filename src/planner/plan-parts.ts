/**
 * A text of many rules as parts that are looked up and run one by one. Looked up as a whole, every sample would be a
 * candidate for some rule, and be scanned with all of them.
 */
import { type RulePart, rulePartsOf, type SourceFile } from '../yara/index.ts'
import type { RulesetPlan } from './plan.ts'
import { writePlan } from './stored-plan.ts'

export interface PlannedPart extends RulePart {
  /** As `writePlan` writes it. */
  readonly plan: string
}

/** A text with fewer rules is looked up as a whole: each part is one more text to keep, to compile and to ask about. */
export const FEWEST_RULES_APART = 16
/** Characters of the plans of all parts. */
const MOST_CHARACTERS = 32 * 1024 * 1024

/** Null for a text that is better, or only, looked up as a whole. */
export function planParts(text: string, file: SourceFile, { rules }: RulesetPlan): readonly PlannedPart[] | null {
  if (file.rules.filter(({ isPrivate }) => !isPrivate).length < FEWEST_RULES_APART) return null
  const parts = rulePartsOf(text, file)
  if (parts === null) return null
  const planned: PlannedPart[] = []
  let room = MOST_CHARACTERS
  for (const part of parts) {
    const demanded = rules[part.place]?.plan
    const plan = demanded === undefined ? null : writePlan(demanded)
    room -= plan?.length ?? 0
    if (plan === null || room < 0) return null
    planned.push({ ...part, plan })
  }
  return planned
}
