import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { type AllowEntry, type AllowedKind, now, type Store } from '../store/index.ts'
import { checkOwner, existing } from './stored-ruleset.ts'

/** Of one rule. */
const MOST_ENTRIES = 1_000

export interface NewAllowed {
  readonly rule: string
  readonly kind: AllowedKind
  readonly value: string
}

/**
 * The allow lists of rules: samples on which a rule holds without making a match, from then on, wherever it is found to
 * hold (`src/matches/reportable.ts`). Earlier matches stay. Like the switches of rules, they go by the name of the rule.
 */
export class AllowLists {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** By rule, kind and value. `ruleset.name-invalid`, `ruleset.not-found`. */
  async list(name: string): Promise<AllowEntry[]> {
    const { id } = await existing(this.#store, name)
    return this.#store.allowLists.list(id)
  }

  /**
   * That it is there already is fine. `parameter.out-of-range` for a value that is none of its kind, `rule.not-found`,
   * `rule.too-many-allowed`, `ruleset.name-invalid`, `ruleset.not-found`, `ruleset.core`, `ruleset.foreign`.
   */
  async add(by: Account, name: string, { rule, kind, value: given }: NewAllowed): Promise<void> {
    const value = readers[kind](given.trim())
    await this.#store.transaction('switchRules', async (tx) => {
      const ruleset = await existing(tx, name)
      checkOwner(by, ruleset, 'Rules of a core ruleset have no allow list')
      const known = await tx.revisions.rulesOfLastValid(ruleset.id)
      if (!known.some((each) => each.name === rule)) throw new Failure('rule.not-found', undefined, { name, rule })
      const entry = { rulesetId: ruleset.id, rule, kind, value }
      await tx.allowLists.add(entry, { userId: by.id, at: now() })
      if ((await tx.allowLists.count(entry)) > MOST_ENTRIES) throw new Failure('rule.too-many-allowed')
    })
  }

  /** That it is not there is fine. The failures of `add` but the last two of rules. */
  async remove(by: Account, name: string, { rule, kind, value }: NewAllowed): Promise<void> {
    const kept = readers[kind](value.trim())
    await this.#store.transaction('switchRules', async (tx) => {
      const ruleset = await existing(tx, name)
      checkOwner(by, ruleset, 'Rules of a core ruleset have no allow list')
      await tx.allowLists.delete({ rulesetId: ruleset.id, rule, kind, value: kept })
    })
  }
}

/** The value as it is kept. */
const readers: Readonly<Record<AllowedKind, (value: string) => string>> = {
  hash(value) {
    const digits = value.toLowerCase()
    if (!/^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/.test(digits)) {
      throw refused('a hash has the 32, 40, 64 or 128 hexadecimal digits of an MD5, SHA-1, SHA-256 or SHA-512')
    }
    return digits
  },
  name(value) {
    if (/^[*?]*$/.test(value)) throw refused('that allows every name; disable the rule instead')
    return value
  },
  signer(value) {
    if (value === '') throw refused('the name of the signer is empty')
    return value
  },
  serial(value) {
    const digits = value.toLowerCase().replaceAll(':', '')
    if (!/^(?:[0-9a-f]{2})+$/.test(digits)) throw refused('a serial number is pairs of hexadecimal digits, as 77:01:9a')
    return digits.replace(/..(?!$)/g, '$&:')
  },
}

function refused(why: string): Failure {
  return new Failure('parameter.out-of-range', `Parameter not in expected range: ${why}.`)
}
