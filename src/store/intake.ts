import type { Micros } from './clock.ts'

/**
 * What intake has to remember of queued samples. A sample without a state of its own was sent by somebody, without a
 * password, and is at the beginning.
 *
 *   arrived ──(an archive: its members are in the queue)──▶ waiting ──(all of them are processed)──▶ processed
 *      │                                                       └─(other rules by now)─▶ rematch ──▶ processed
 *      └─(anything else)─▶ processed
 */
export type IntakeStage =
  /** To be examined and, where it is an archive, unpacked from its place on. */
  | 'arrived'
  /** Matched, and waiting for members. */
  | 'waiting'
  /** Unpacked, its members processed: to be matched again. */
  | 'rematch'

export interface IntakeState {
  readonly stage: IntakeStage
  /** How many archives it was unpacked from; 0 for what was sent. */
  readonly depth: number
  /** Of one that came several times, each with another password: all of them, a line each. */
  readonly password: string | null
  /** The archive that is processed only when this member is. */
  readonly archive: number | null
  /** The sample that was sent, for a member: bounds hold for all that comes out of it. */
  readonly root: number | null
}

/** Members, and their bytes. */
export interface Charge {
  readonly members: number
  readonly bytes: number
}

export interface QueuedSample {
  readonly id: number
  /** As it was called last. */
  readonly name: string
  /** With the folder and the owner; null for a sample that nobody has sent. */
  readonly called: { readonly name: string; readonly folder: string; readonly owner: string } | null
  readonly size: number
  readonly sha256: Uint8Array
  readonly sha1: Uint8Array
  readonly md5: Uint8Array
  readonly sha512: Uint8Array
  readonly isIndexed: boolean
  readonly state: IntakeState
  /** How far it is unpacked; null for not at all. */
  readonly place: string | null
  /** What was charged for members that came out behind that place, and are admitted. */
  readonly charged: Charge
}

/** What was admitted out of an archive. */
export interface ArchiveCharge extends Charge {
  readonly archive: number
  /** What was sent. */
  readonly root: number
}

/** What the pipeline has found out about a sample itself. */
export interface ExaminedSample {
  readonly id: number
  /** Null where it stays in the queue and waits for its members. */
  readonly processedAt: Micros | null
  readonly fileType: string
  readonly typeDescription: string
  /** Takes the place of the one before, unless that is kept. */
  readonly note: string | null
  readonly keepsNote: boolean
  /** Its members are counted. */
  readonly isArchive: boolean
  /** That holds its signature; null where it has none, or is in a segment already. */
  readonly segment: number | null
}

/** An archive that waits for no member any more. */
export interface ReadyArchive {
  readonly id: number
  readonly size: number
  readonly sha256: Uint8Array
  readonly generation: number | null
}

export interface StoredIntake {
  /** How many samples are queued, and the greatest id of them; 0 for none. */
  queue(): Promise<{ readonly count: number; readonly last: number }>

  /**
   * Queued samples by ascending id that are not waiting: those behind an id, or those of a list. `last`: the id to go on
   * behind; null where there are no more.
   */
  next(
    which: { readonly after: number } | { readonly ids: readonly number[] },
    limit: number,
  ): Promise<{ readonly samples: readonly QueuedSample[]; readonly last: number | null }>

  /** A processed sample is queued once more. */
  requeue(sample: number): Promise<void>

  /** Takes the place of what was recorded of the samples. */
  record(states: readonly (IntakeState & { readonly sample: number })[]): Promise<void>

  /**
   * A queued sample came once more: it gets the passwords of both (of very many the last few are kept), and the smaller depth;
   * one that was sent by itself is bounded by itself. With `reopens`, an archive that waits for its members is at its beginning
   * again where that changes something: true where it was.
   */
  comeAgain(sample: number, again: Pick<IntakeState, 'depth' | 'password' | 'root'>, reopens: boolean): Promise<boolean>

  /**
   * Charges archives, and the allowance of what was sent, for members that are admitted in the same transaction. The first
   * charge begins with the whole allowance.
   */
  charge(charges: readonly ArchiveCharge[], allowance: Charge): Promise<void>

  /** What may still come out of a sample that was sent; null where nothing has yet. */
  allowance(root: number): Promise<Charge | null>

  /** Records how far an archive is unpacked; `passed` was charged before that place. */
  recordPlace(sample: number, place: string, passed: Charge): Promise<void>

  /** Members in the queue, and the archives that wait for them. */
  membersOf(archives: readonly number[]): Promise<readonly { readonly archive: number; readonly member: number }[]>

  /** Records what was found out about samples that are processed from now on, or wait for their members. */
  complete(samples: readonly ExaminedSample[]): Promise<void>

  /** Archives that have waited for their members are processed. */
  completeWaiting(archives: readonly number[], at: Micros): Promise<void>

  /** Archives are matched with a generation of the rulesets, and wait for their members from now on. */
  wait(archives: readonly (IntakeState & { readonly sample: number; readonly generation: number })[]): Promise<void>

  /** These samples are processed: nothing is remembered of them. Gives the archives that have waited for them. */
  forget(samples: readonly number[]): Promise<readonly number[]>

  /** Those of the archives that are waiting and have no member in the queue; of all where none are given. */
  ready(archives?: readonly number[]): Promise<readonly ReadyArchive[]>

  /** These archives are to be matched again. */
  matchAgain(archives: readonly number[]): Promise<void>
}
