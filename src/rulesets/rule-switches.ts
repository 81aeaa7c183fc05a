import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { type DisabledRule, now, type Store } from '../store/index.ts'
import { checkOwner, existing } from './stored-ruleset.ts'

/** Of a ruleset, also of rules that are no longer in its text. */
const MOST_DISABLED = 10_000

/**
 * A rule is noisy from so many matches on: a hundredth of the stored samples, but at least so many, and at most so many
 * even where there are millions of samples, because nobody reads more.
 */
const NOISY = { share: 0.01, least: 100, most: 10_000 } as const

/** A rule of a ruleset with its matches. */
export interface ListedRule {
  readonly name: string
  readonly tags: readonly string[]
  /** As its text says; of one name that is there twice, the last value. */
  readonly meta: Readonly<Record<string, string | number | boolean>>
  readonly matches: number
  readonly isNoisy: boolean
  /** False for one that is disabled, and is not in the text any more. */
  readonly isInText: boolean
  /** Null for one that is not disabled. */
  readonly disabled: Pick<DisabledRule, 'by' | 'since'> | null
}

/**
 * The rules of rulesets, and which of them are disabled one by one. A disabled rule is evaluated, since others may refer
 * to it, and makes no match from then on, wherever it is found to hold (`src/matches/reportable.ts`). Its earlier matches
 * stay. It is known by its name alone, so it stays disabled when the ruleset gets another text; nothing of the text, of
 * the plan or of the enabled set changes.
 */
export class RuleSwitches {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * In the order of the last text that compiled, then the disabled ones that are not in it.
   * `ruleset.name-invalid`, `ruleset.not-found`.
   */
  async list(name: string): Promise<ListedRule[]> {
    const { revisions, matches, ruleSwitches, corpus } = this.#store
    const { id } = await existing(this.#store, name)
    const rules = await revisions.rulesOfLastValid(id)
    const disabled = new Map((await ruleSwitches.list(id)).map(({ rule, ...by }) => [rule, by]))
    const counts = new Map((await matches.countByRule(id)).map(({ rule, count }) => [rule, count]))
    const noisyFrom = leastNoisy((await corpus.whole()).samples)
    const inText = new Set(rules.map((rule) => rule.name))
    const gone = [...disabled.keys()]
      .filter((rule) => !inText.has(rule))
      .map((rule) => ({ name: rule, tags: [], meta: {} }))
    return [...rules, ...gone].map(({ name: rule, tags, meta }) => {
      const count = counts.get(rule) ?? 0
      return {
        name: rule,
        tags,
        meta,
        matches: count,
        isNoisy: count >= noisyFrom,
        isInText: inText.has(rule),
        disabled: disabled.get(rule) ?? null,
      }
    })
  }

  /**
   * Disables or enables rules by name; that they are so already is fine. Also those that are disabled and not in the text
   * can be enabled. All or none: `rule.not-found` for a rule that the ruleset does not have. `ruleset.name-invalid`,
   * `ruleset.not-found`, `ruleset.core`, `ruleset.foreign`, `rule.too-many-disabled`.
   */
  async setEnabled(by: Account, name: string, rules: readonly string[], enabled: boolean): Promise<void> {
    await this.#store.transaction('switchRules', async (tx) => {
      const ruleset = await existing(tx, name)
      checkOwner(by, ruleset, 'Rules of a core ruleset cannot be enabled/disabled')
      const { revisions, ruleSwitches } = tx
      const known = new Set((await revisions.rulesOfLastValid(ruleset.id)).map((rule) => rule.name))
      if (enabled) for (const { rule } of await ruleSwitches.list(ruleset.id)) known.add(rule)
      const unknown = rules.find((rule) => !known.has(rule))
      if (unknown !== undefined) throw new Failure('rule.not-found', undefined, { name, rule: unknown })
      if (enabled) return ruleSwitches.enable(ruleset.id, rules)
      await ruleSwitches.disable(ruleset.id, rules, { userId: by.id, at: now() })
      if ((await ruleSwitches.count(ruleset.id)) > MOST_DISABLED) throw new Failure('rule.too-many-disabled')
    })
  }
}

function leastNoisy(samples: number): number {
  return Math.min(NOISY.most, Math.max(NOISY.least, samples * NOISY.share))
}
