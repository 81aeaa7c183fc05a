import { planRuleset } from '../planner/index.ts'
import { fingerprints, parse } from '../yara/index.ts'
import type { RulesetPlanner } from './runnable-rulesets.ts'

/** Stored plans that carry a smaller number are made anew at start; grows when the planner gives other plans. */
const PLANNER_VERSION = 2

/** Summaries and plans of a text that compiles, from one reading of it. */
export const rulesetPlanner: RulesetPlanner = {
  version: PLANNER_VERSION,
  plan(content) {
    const file = parse(content)
    const prints = fingerprints(file, content)
    const rules = file.rules.map(({ name, tags, meta }) => ({
      name,
      tags,
      meta: Object.fromEntries(meta.map(({ key, value }) => [key, value])),
      fingerprint: prints.get(name) ?? '',
    }))
    return { rules, plan: planRuleset(file) }
  },
}
