import type { Micros } from './clock.ts'

/**
 * Of a hunt: asking one segment for candidates, or scanning some of these. Of samples that arrive: examining some. Of the
 * index: merging some segments.
 */
export type HuntPartKind = 'evaluate' | 'verify' | 'examine' | 'merge'

/**
 * `offered`: nobody works on it. `claimed`: a node does. `done`: its output is there. `failed`: a node could not do it, and
 * says why.
 */
export type HuntPartState = 'offered' | 'claimed' | 'done' | 'failed'

export interface NewHuntPart {
  /** What it is done with: see `addRules`. */
  readonly rulesId: number
  readonly kind: HuntPartKind
  readonly input: Uint8Array
  /** The node that is likely to have what it takes; others come to it later. */
  readonly wantedBy: number | null
  readonly created: Micros
}

export interface ClaimedHuntPart {
  readonly id: number
  readonly rulesId: number
  readonly kind: HuntPartKind
  readonly input: Uint8Array
  /** Of this claim: it grows whenever the part changes hands. */
  readonly fence: number
}

export interface HuntPartRow {
  readonly id: number
  /** Null where it is of no hunt. */
  readonly huntId: number | null
  readonly kind: HuntPartKind
  readonly state: HuntPartState
  readonly nodeId: number | null
  readonly created: Micros
}

/** How many parts of some kinds a node takes. */
export interface RoomForParts {
  readonly kinds: readonly HuntPartKind[]
  readonly most: number
}

/** With what parts are done. */
export interface RulesOfParts {
  /** Null where they are of no hunt: they run live. */
  readonly huntId: number | null
  readonly rules: Uint8Array
}

/**
 * Parts of hunts, of intake and of the index that a server offers to nodes. A part is in one hand at a time: whoever claims it
 * gets a fence, and what is settled under another one is refused. Parts and rules go with their hunt.
 */
export interface StoredHuntParts {
  /**
   * The rules that parts of a hunt, or of none, are done with, in a form that a version of the program reads. Returns their
   * id.
   */
  addRules(huntId: number | null, version: string, rules: Uint8Array): Promise<number>
  /** Null where they are gone: the hunt has ended, or other rules run live. */
  findRules(id: number): Promise<RulesOfParts | null>
  /** With all parts that name them. */
  deleteRules(id: number): Promise<void>
  /** Everything: what an earlier server has left. */
  clear(): Promise<void>

  /** Returns the id. */
  offer(part: NewHuntPart): Promise<number>
  /**
   * The oldest that are offered by the node's own version, of some kinds up to a number, of others up to another one: those
   * that the node is wanted for, and that nobody is. A node that is not listed gets none. In order of ids.
   */
  claim(nodeId: number, rooms: readonly RoomForParts[]): Promise<ClaimedHuntPart[]>
  /** Of these, those that are offered are for any node from now on. */
  offerToAll(ids: readonly number[]): Promise<void>
  /** A part is done. False, and nothing is stored, where its fence is another one or it is gone. */
  settle(id: number, fence: number, output: Uint8Array): Promise<boolean>
  /** The node cannot do it: the server shall. False as with `settle`. */
  fail(id: number, fence: number, reason: string): Promise<boolean>
  /** The node does not go on with it: another one may. False as with `settle`. */
  giveBack(id: number, fence: number): Promise<boolean>
  /** The parts that some nodes hold are offered again, with another fence. Returns how many. */
  takeBack(nodeIds: readonly number[]): Promise<number>
  /** Of these, the ones that are offered are deleted. Returns their ids, ascending. */
  withdraw(ids: readonly number[]): Promise<number[]>

  /** In order of ids. */
  list(): Promise<HuntPartRow[]>
  /** The parts that a node holds, in order of ids. */
  heldBy(nodeId: number): Promise<{ readonly id: number; readonly fence: number }[]>
  /** Of parts that are done: their outputs. Of those that failed: why. */
  results(
    ids: readonly number[],
  ): Promise<{ readonly id: number; readonly output: Uint8Array | null; readonly reason: string | null }[]>
  delete(ids: readonly number[]): Promise<void>
}
