import type { Micros } from './clock.ts'
import type { HuntKind, HuntState } from './hunts.ts'

/** Up to where something was read: matches by their ids, ends of hunts by their time. */
export interface BellPlace {
  readonly match: number
  readonly moment: Micros
}

export interface UnreadRuleset {
  readonly name: string
  readonly lastMatched: Micros | null
  /** Matches, counted up to a number. */
  readonly matches: number
}

export interface UnreadHunt {
  readonly id: number
  readonly kind: HuntKind
  readonly title: string | null
  readonly state: HuntState
  readonly matches: number
  readonly stopped: Micros
}

/**
 * What is new for each user: matches of rulesets that they follow, and ends of their hunts and of Local Retro runs. Nothing
 * is written when something happens: what is new is what lies behind the places up to which a user has read.
 */
export interface StoredBells {
  /** What is there already is read for somebody who never looked before. */
  begin(userId: number, at: Micros): Promise<void>
  /** Null for a user who never looked. */
  placeOf(userId: number): Promise<BellPlace | null>
  lastMatchId(): Promise<number>
  /** With new matches, those that matched last first, up to `most`; matches are counted up to `counted`. */
  unreadRulesets(userId: number, most: number, counted: number): Promise<UnreadRuleset[]>
  /** Ended last first. */
  unreadHunts(userId: number, most: number): Promise<UnreadHunt[]>
  /** Everything up to a place is read; a place behind the one that it is at changes nothing. */
  readUpTo(userId: number, place: BellPlace): Promise<void>
  readRuleset(userId: number, rulesetId: number, match: number): Promise<void>
  readHunt(userId: number, huntId: number): Promise<void>
  isFollowed(userId: number, rulesetId: number): Promise<boolean>
  /** From the match on that comes after `match`. */
  follow(userId: number, rulesetId: number, follows: boolean, match: number): Promise<void>
}
