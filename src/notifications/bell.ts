/** What is new for a user since they looked: matches of rulesets that they follow, and hunts and runs that have ended. */
import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { type BellPlace, now, type Store, type UnreadHunt, type UnreadRuleset } from '../store/index.ts'

const MOST_RULESETS = 100
const MOST_HUNTS = 50
/** Matches of a ruleset are counted up to this, and one more says that there are more. */
export const MOST_COUNTED = 1_000

export interface Unread {
  readonly rulesets: readonly UnreadRuleset[]
  readonly hunts: readonly UnreadHunt[]
  /** What is listed, and all before it, is read up to here. */
  readonly asOf: BellPlace
}

export class Bell {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** What came before the first call for a user is read. A ruleset of one's own is followed unless that was changed. */
  async unread({ id }: Account): Promise<Unread> {
    const { bells } = this.#store
    const place = (await bells.placeOf(id)) ?? (await this.#begin(id))
    // Before the lists: what comes in between is new still when these are read.
    const match = await bells.lastMatchId()
    const hunts = await bells.unreadHunts(id, MOST_HUNTS)
    const rulesets = await bells.unreadRulesets(id, MOST_RULESETS, MOST_COUNTED + 1)
    return { rulesets, hunts, asOf: { match, moment: hunts[0]?.stopped ?? place.moment } }
  }

  async readAll({ id }: Account, asOf: BellPlace): Promise<void> {
    const { bells } = this.#store
    const place = (await bells.placeOf(id)) ?? (await this.#begin(id))
    // Nothing can have been listed that is not there yet.
    const match = Math.min(asOf.match, await bells.lastMatchId())
    await bells.readUpTo(id, { match, moment: Math.min(asOf.moment, Math.max(now(), place.moment)) })
  }

  /** `ruleset.not-found`. */
  async readRuleset({ id }: Account, name: string): Promise<void> {
    const { bells } = this.#store
    await bells.readRuleset(id, await this.#rulesetNamed(name), await bells.lastMatchId())
  }

  /** `hunt.not-found`. */
  async readHunt({ id }: Account, hunt: number): Promise<void> {
    if (!(await this.#store.hunts.findExisting([hunt])).has(hunt)) throw new Failure('hunt.not-found')
    await this.#store.bells.readHunt(id, hunt)
  }

  /** `ruleset.not-found`. */
  async isFollowed({ id }: Account, name: string): Promise<boolean> {
    return this.#store.bells.isFollowed(id, await this.#rulesetNamed(name))
  }

  /** Matches from now on are new. `ruleset.not-found`. */
  async follow({ id }: Account, name: string, follows: boolean): Promise<void> {
    const { bells } = this.#store
    await bells.follow(id, await this.#rulesetNamed(name), follows, await bells.lastMatchId())
  }

  async #begin(userId: number): Promise<BellPlace> {
    const { bells } = this.#store
    await bells.begin(userId, now())
    return (await bells.placeOf(userId)) ?? { match: 0, moment: now() }
  }

  async #rulesetNamed(name: string): Promise<number> {
    const ruleset = await this.#store.rulesets.findByName(name)
    if (ruleset === null) throw new Failure('ruleset.not-found')
    return ruleset.id
  }
}
