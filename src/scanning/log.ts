/**
 * Where every folder's events for operators go; pino's logger fits.
 *
 * What was thrown goes under `err`, and nowhere else: only that key is written with message, stack and causes. Another
 * key for it does not compile, and neither does one whose type may hide an error (`unknown`, or the `any` of a `catch`),
 * a list of them included.
 */
export interface Log {
  info<P extends object>(particulars: P & Particulars<P>, message: string): void
  warn<P extends object>(particulars: P & Particulars<P>, message: string): void
  error<P extends object>(particulars: P & Particulars<P>, message: string): void
}

/** `P`, with `never` for the keys that may hold an error and are not `err`. */
export type Particulars<P> = {
  readonly [K in keyof P]: K extends 'err' ? unknown : MayBeError<P[K]> extends true ? never : unknown
}

type MayBeError<T> = 0 extends 1 & T
  ? true
  : unknown extends T
    ? true
    : [Extract<T, Error>] extends [never]
      ? [Extract<T, readonly unknown[]>] extends [never]
        ? false
        : MayBeError<Extract<T, readonly unknown[]>[number]>
      : true
