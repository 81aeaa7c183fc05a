import type { Micros } from './clock.ts'

/** A rule that reports no matches. */
export interface DisabledRule {
  readonly rule: string
  /** Who disabled it. */
  readonly by: string
  readonly since: Micros
}

/** A rule of a ruleset, by name. */
export interface RuleOfRuleset {
  readonly rulesetId: number
  readonly rule: string
}

/** The rules of rulesets that are disabled one by one. They are kept by name, whatever text a ruleset gets. */
export interface StoredRuleSwitches {
  /** By name. */
  list(rulesetId: number): Promise<DisabledRule[]>
  count(rulesetId: number): Promise<number>
  /** Which of these are disabled, in no particular order. */
  findDisabled(rules: readonly RuleOfRuleset[]): Promise<RuleOfRuleset[]>
  /** One that is disabled already stays as it is. */
  disable(
    rulesetId: number,
    rules: readonly string[],
    by: { readonly userId: number; readonly at: Micros },
  ): Promise<void>
  enable(rulesetId: number, rules: readonly string[]): Promise<void>
}
