import type { Kind } from './kinds.ts'

export interface Option<T> {
  readonly kind: Kind<T>
  /** The value when nobody gives one. */
  readonly default: T
  /** How the preset is told where it depends on the machine or is the absence of a value. */
  readonly formatDefault?: string
  /** One sentence. */
  readonly about: string
  /** Given by environment variable only, because the arguments of a process can be seen by others. */
  readonly secret?: true
  /** Instead of `BACKTRAIL_` and the name in capitals. */
  readonly variable?: string
}

/** Of times, in milliseconds. */
export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute

export function option<T>(description: Option<T>): Option<T> {
  return description
}
