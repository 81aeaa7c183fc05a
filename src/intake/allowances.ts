import type { Charge, StoredIntake } from '../store/index.ts'

/** What may still come out of one upload, over all its levels. */
export interface Allowance {
  members: number
  bytes: number
  /** Its archives are unpacked one after the other: each knows what those before it have left. */
  turn: Promise<unknown>
}

/**
 * The allowances of what is being unpacked. The rows have what was charged for admitted members; here is charged, as well,
 * what is about to be admitted.
 */
export class Allowances {
  readonly #stored: Pick<StoredIntake, 'allowance'>
  readonly #whole: Charge
  /** By the sample that was sent. */
  readonly #known = new Map<number, Promise<Allowance>>()

  /** `whole`: of an upload that nothing has come out of. */
  constructor(stored: Pick<StoredIntake, 'allowance'>, whole: Charge) {
    this.#stored = stored
    this.#whole = whole
  }

  of(root: number): Promise<Allowance> {
    const known = this.#known.get(root)
    if (known) return known
    const read = this.#stored.allowance(root).then((left) => {
      const { members, bytes } = left ?? this.#whole
      return { members, bytes, turn: Promise.resolve() }
    })
    this.#known.set(root, read)
    read.catch(() => this.#known.delete(root))
    return read
  }

  /** Nothing more comes out of this upload. */
  forget(root: number): void {
    this.#known.delete(root)
  }
}
