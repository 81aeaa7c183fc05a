import type { Micros } from './clock.ts'
import type { RuleOfRuleset } from './rule-switches.ts'

/**
 * What is allowed: `hash` is one of the four hashes in lower-case hexadecimal digits, `name` a file name with `*` and `?`,
 * `signer` the common name of a certificate, `serial` its serial number as `77:01:9a`.
 */
export type AllowedKind = 'hash' | 'name' | 'signer' | 'serial'

/** Samples whose matches with a rule are not reported. */
export interface Allowed extends RuleOfRuleset {
  readonly kind: AllowedKind
  readonly value: string
}

export interface AllowEntry extends Omit<Allowed, 'rulesetId'> {
  /** Who allowed it. */
  readonly by: string
  readonly created: Micros
}

/** The allow lists of rules. They are kept by the name of the rule, whatever text its ruleset gets. */
export interface StoredAllowLists {
  /** Of all rules of a ruleset, by rule, kind and value. */
  list(rulesetId: number): Promise<AllowEntry[]>
  count(rule: RuleOfRuleset): Promise<number>
  /** Of each of these rules, in no particular order. */
  findOf(rules: readonly RuleOfRuleset[]): Promise<Allowed[]>
  /** One that is there already stays as it is. */
  add(entry: Allowed, by: { readonly userId: number; readonly at: Micros }): Promise<void>
  delete(entry: Allowed): Promise<void>
}
