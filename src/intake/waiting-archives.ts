/**
 * Archives that are matched themselves and wait for their members. An archive counts as processed only when all that
 * came out of it is, so whoever sees it processed sees its members' matches too.
 *
 * An archive waits for the members that it brought into the queue, never for a sample that was known: so even an
 * archive that contains itself waits for nothing that waits for it.
 */
interface WaitingArchive {
  readonly members: Set<number>
  /** The generation of rulesets it was matched with; null until it is, or when an earlier process did it. */
  generation: number | null
  matched: boolean
}

export class WaitingArchives {
  readonly #archives = new Map<number, WaitingArchive>()

  get size(): number {
    return this.#archives.size
  }

  /** The archive has this member in the queue. */
  await(archive: number, member: number): void {
    this.#of(archive).members.add(member)
  }

  isWaiting(archive: number): boolean {
    return (this.#archives.get(archive)?.members.size ?? 0) > 0
  }

  /** The archive itself is done, up to its members. */
  matched(archive: number, generation: number | null): void {
    const waiting = this.#of(archive)
    waiting.matched = true
    waiting.generation = generation
  }

  /** A member is done with, or was deleted. */
  memberDone(archive: number, member: number): void {
    this.#archives.get(archive)?.members.delete(member)
  }

  forget(archive: number): void {
    this.#archives.delete(archive)
  }

  /** Takes out the archives that wait for nothing any more. */
  takeReady(): { readonly id: number; readonly generation: number | null }[] {
    const ready = []
    for (const [id, { members, matched, generation }] of this.#archives) {
      if (!matched || members.size > 0) continue
      ready.push({ id, generation })
      this.#archives.delete(id)
    }
    return ready
  }

  /** Every member that some archive waits for. */
  *members(): Generator<{ readonly archive: number; readonly member: number }> {
    for (const [archive, { members }] of this.#archives) for (const member of members) yield { archive, member }
  }

  #of(archive: number): WaitingArchive {
    const known = this.#archives.get(archive)
    if (known) return known
    const added: WaitingArchive = { members: new Set(), generation: null, matched: false }
    this.#archives.set(archive, added)
    return added
  }
}
