/**
 * What moves in both directions have in common.
 *
 *   contents and segments      each under the name that its digest or its writer gave it; what is there already stays
 *   ── from here on neither side is started by a server, until the end ──
 *   rows                       table by table, in transactions that also say how far it is
 *   comparison                 of every table: number and digest of its rows; of the contents: names and sizes
 *   ── the end: both can be started ──
 *
 * A move that was ended, however, goes on where it was when it is run again.
 */
export type MovePhase = 'contents' | 'index' | 'rows' | 'comparison'

export interface MoveProgress {
  readonly phase: MovePhase
  /** In bytes for contents and index, in rows for the others. */
  readonly done: number
  readonly total: number
}

export interface MoveOptions {
  /** Moves what is sound where something is not. */
  readonly partial: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: MoveProgress) => void
}

export interface Moved {
  readonly samples: number
  readonly bytes: number
  readonly segments: number
  readonly rows: number
  /** What the source had lost, in words. */
  readonly problems: readonly string[]
}

/** How far a move is, as its target has it. */
export interface Stage {
  /** Of the move; its source has it too. */
  readonly move: string
  readonly stage: 'contents' | 'rows'
  /** Segments whose samples count as unindexed, by the ids of their rows. */
  readonly dropped: readonly number[]
  /** The table that is being copied, and the key of its last row; null before the first. */
  readonly table: string | null
  readonly after: readonly (null | number | string)[] | null
}

/** Objects that are copied at once. */
export const AT_ONCE = 16
