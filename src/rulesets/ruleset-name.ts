/** Which names a ruleset can have. The web application asks the same, so nothing else belongs here. */

/** In characters. */
export const LONGEST_NAME = 48
const SHORTEST_NAME = 3

/** The rule in words, for whoever breaks it. */
export const RULESET_NAMES =
  '3 to 48 visible characters, blanks between them allowed, without slashes and control characters'

/**
 * Invisible characters are refused: two names must not look the same by them, and a name must not change the direction
 * or the lines of the text around it. Slashes are, since proxies take an escaped one apart.
 */
const refused = /[\p{C}\p{Zl}\p{Zp}/\\]|^\s|\s$/u

export function isRulesetName(name: string): boolean {
  const length = [...name].length
  return length >= SHORTEST_NAME && length <= LONGEST_NAME && !refused.test(name)
}

/** What the name of a new ruleset must not have besides, in words. */
export const NO_ADDRESS_SIGNS = 'no # and no % before two hexadecimal digits'

/**
 * Clients that write a name into an address as it is lose what stands behind a `#`, and an escape becomes another sign on
 * its way: they could not read such a ruleset back. Rulesets that have such a name already keep it.
 */
export function isNewRulesetName(name: string): boolean {
  return isRulesetName(name) && !/#|%[0-9a-f]{2}/i.test(name)
}

/** Only ASCII letters, digits and underscores, as the vendor's page recommends: nothing has to be escaped anywhere. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name)
}
