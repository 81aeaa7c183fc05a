/**
 * How far an archive is unpacked, as a row keeps it over a restart: behind which member of which part of the file, and what
 * has to be known of what came before. The members before it are admitted.
 */
import type { Charge } from '../store/index.ts'

export interface Place {
  /** Where the part begins, or is looked for. */
  readonly at: number
  /** The next member of the part. */
  readonly member: number
  /** Archives in the file that were looked for before. */
  readonly parts: number
  /** Members of the part that are damaged, and that are larger than allowed. */
  readonly damaged: number
  readonly oversized: number
  /** What came out of the part. */
  readonly out: Charge
  /** Bytes that may come out of the whole file yet, by its own size. */
  readonly bytesByRatio: number
  /** Archives in the file that were opened. */
  readonly opened: number
  /** What its sample is to say. */
  readonly notes: readonly string[]
}

export function startOf(bytesByRatio: number): Place {
  const out = { members: 0, bytes: 0 }
  return { at: 0, member: 0, parts: 0, damaged: 0, oversized: 0, out, bytesByRatio, opened: 0, notes: [] }
}

export function formatPlace(place: Place): string {
  return JSON.stringify(place)
}

/** Null for nothing. */
export function readPlace(text: string | null): Place | null {
  return text === null ? null : JSON.parse(text)
}
