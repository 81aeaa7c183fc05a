import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { type Micros, now, type Repositories, type Store } from '../store/index.ts'
import { checkOwner, existing } from './stored-ruleset.ts'

const LATEST: Micros = Date.UTC(2200, 0) * 1_000

/** Of a ruleset. */
export const MOST_RULESET_TAGS = 50

export interface NotesChange {
  readonly notes: string
  /** All of them. */
  readonly tags: readonly string[]
  /** When it is disabled by itself; null for never; left out, that stays. */
  readonly expires?: Micros | null
}

/** What users write down about rulesets: notes, tags, and until when they run. */
export class RulesetNotes {
  readonly #store: Store
  readonly #onDate: () => void

  /** `onDate`: called after a date of expiry was set. */
  constructor(store: Store, onDate: () => void) {
    this.#store = store
    this.#onDate = onDate
  }

  /**
   * `ruleset.name-invalid`, `ruleset.not-found`, `ruleset.core`, `ruleset.foreign`, and `parameter.out-of-range` for a
   * date that has passed, unless it is the one that the ruleset has.
   */
  async change(by: Account, name: string, { notes, expires, tags }: NotesChange): Promise<void> {
    await this.#store.transaction('changeNotes', async (tx) => {
      const ruleset = await existing(tx, name)
      checkOwner(by, ruleset)
      if (expires !== undefined && expires !== null && expires !== ruleset.expires) demandFuture(expires)
      await tx.rulesets.setNotes(ruleset.id, {
        notes,
        ...(expires !== undefined && { expires }),
      })
      const wanted = new Set(tags)
      const before = (await tx.rulesetTags.listOfEach([ruleset.id])).get(ruleset.id) ?? []
      const gone = before.filter((tag) => !wanted.delete(tag))
      await tx.rulesetTags.remove(ruleset.id, gone)
      await tx.rulesetTags.add(ruleset.id, [...wanted])
    })
    if (expires) this.#onDate()
  }

  /** All tags, with how many rulesets have each. */
  async tags(): Promise<{ readonly tag: string; readonly rulesets: number }[]> {
    return this.#store.rulesetTags.count()
  }
}

/** Not a time that no clock shows, nor one so far away that it is no exact number. */
function demandFuture(expires: Micros): void {
  if (expires > now() && expires < LATEST) return
  throw new Failure(
    'parameter.out-of-range',
    'Parameter not in expected range: expires must lie in the future, before the year 2200.',
  )
}

/** `ruleset.too-many-tags`. */
export async function demandRoomForTags(
  { rulesetTags }: Pick<Repositories, 'rulesetTags'>,
  rulesetId: number,
  tags: readonly string[],
): Promise<void> {
  const has = (await rulesetTags.listOfEach([rulesetId])).get(rulesetId) ?? []
  if (new Set([...has, ...tags]).size > MOST_RULESET_TAGS) throw new Failure('ruleset.too-many-tags')
}
