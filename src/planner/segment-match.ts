/**
 * Many plans against the samples of a segment at once.
 *
 * A group of a segment is a bit matrix: a row for every bit of the signature, a column for every sample. So the answer
 * to "which samples hold this gram" is one row, a literal is the conjunction of its grams' rows, and a plan is set
 * algebra on words of 32 samples each. What costs is reading rows, and most of them need not be read: a rule that asks
 * for `MZ` first has no use for rows where no sample starts with `MZ`, and a literal whose first three grams leave no
 * sample has no use for its other seventeen.
 *
 * So the evaluation alternates between two passes over the graph of all plans, until nothing is left to ask:
 *
 *     upwards     `upper`: the samples that each part may still hold on, with what was read so far
 *     downwards   `need`: the samples for which a part still matters, which are those of its parents' need
 *     a wave      for every literal that still matters to some sample, its next few rows
 *
 *     and                 upper 0110 → the need of all three is 0110 at most
 *     ├─ uint16(0)==MZ    upper 0110   (from the columns of first bytes)
 *     ├─ $a               upper 1111, after a wave of 3 rows: 0100
 *     └─ $b               upper 1111, after the same wave: 0010  → and: 0000, nothing of $a and $b is read any more
 *
 * The rows of one wave are read in ascending order, all plans together, so that a segment in a file is read forwards
 * and a row that two literals share is read from the page cache at worst.
 */
import { bitOf, type SegmentGroup } from '../index/index.ts'
import { factColumns } from './fact-columns.ts'
import type { Fact, Plan } from './plan.ts'
import { compilePlans, op, type Program, type Wave } from './program.ts'

/** Words of each of the two tables; a group that needs more is evaluated some columns at a time. */
const TABLE_WORDS = 1 << 23
/** Words of rows read at once. */
const BUFFER_WORDS = 1 << 20

/** The part of a segment reader that is asked. */
export interface GroupedSamples {
  readonly groups: readonly SegmentGroup[]
}

/** A list of plans, compiled to be evaluated together over one segment after another. Not for use by two at once. */
export class PlanBatch {
  readonly #program: Program
  #upper = new Uint32Array(0)
  #need = new Uint32Array(0)
  #buffer = new Uint32Array(0)
  #rows = new Uint32Array(0)
  /** The node that asks for each of the rows. */
  #askers = new Int32Array(0)
  /** The nodes that still matter to some sample, ascending; the first `#liveNodes` count. */
  readonly #live: Int32Array
  #liveNodes = 0

  constructor(plans: readonly Plan[]) {
    this.#program = compilePlans(plans)
    this.#live = new Int32Array(this.#program.nodes)
  }

  /**
   * For every plan, in the order given, the ids of the samples that it cannot rule out, ascending. `admits` leaves
   * samples out by id before anything is read; null for none. @throws Failure `segment.damaged`
   */
  candidates(segment: GroupedSamples, admits: ((id: number) => boolean) | null): Uint32Array[] {
    const ids: number[][] = Array.from(this.#program.roots, () => [])
    for (const group of segment.groups) this.#evaluate(group, admits, ids)
    return ids.map((list) => Uint32Array.from(list).sort())
  }

  #evaluate(group: SegmentGroup, admits: ((id: number) => boolean) | null, ids: number[][]): void {
    const { nodes, roots } = this.#program
    if (nodes === 0) return
    const atOnce = Math.max(1, Math.min(group.words, Math.floor(TABLE_WORDS / nodes)))
    for (let first = 0; first < group.words; first += atOnce) {
      const words = Math.min(atOnce, group.words - first)
      const within = admitted(group, first, words, admits)
      if (isEmpty(within, 0, words)) continue
      this.#narrow(group, first, within)
      roots.forEach((root, plan) => {
        const list = ids[plan] as number[]
        for (let w = 0; w < words; w++) {
          let left = (this.#upper[root * words + w] as number) & (within[w] as number)
          while (left !== 0) {
            list.push(group.ids[(first + w) * 32 + 31 - Math.clz32(left & -left)] as number)
            left &= left - 1
          }
        }
      })
    }
  }

  /** Fills `upper` for the columns of `within`, which starts at word `first` of the group. */
  #narrow(group: SegmentGroup, first: number, within: Uint32Array): void {
    const words = within.length
    const { nodes, kinds, values, facts, waves } = this.#program
    if (this.#upper.length < nodes * words) {
      this.#upper = new Uint32Array(nodes * words)
      this.#need = new Uint32Array(nodes * words)
    }
    const upper = this.#upper
    upper.fill(0xffffffff, 0, nodes * words)
    for (let node = 0; node < nodes; node++) {
      const from = node * words
      if (kinds[node] === op.never) upper.fill(0, from, from + words)
      else if (kinds[node] === op.fact) {
        factColumns(facts[values[node] as number] as Fact, group, first, upper.subarray(from, from + words))
      }
      this.#live[node] = node
    }
    this.#liveNodes = nodes
    this.#passUpwards(words)
    // Samples without bits may hold every gram.
    if (group.bits === 0) return
    for (const wave of waves) {
      this.#passDownwards(within)
      if (this.#liveNodes === 0) return
      this.#readWave(wave, group, first, words)
      this.#passUpwards(words)
    }
  }

  #passUpwards(words: number): void {
    const { kinds, values, childStart, children } = this.#program
    const upper = this.#upper
    for (let l = 0; l < this.#liveNodes; l++) {
      const node = this.#live[l] as number
      const kind = kinds[node]
      const from = childStart[node] as number
      const to = childStart[node + 1] as number
      const at = node * words
      if (kind === op.atLeast) {
        atLeastColumns(upper, at, words, children.subarray(from, to), values[node] as number)
      } else if (kind === op.and) {
        // What is known already stays: `upper` only ever shrinks.
        for (let i = from; i < to; i++) {
          const child = (children[i] as number) * words
          for (let w = 0; w < words; w++) upper[at + w] = (upper[at + w] as number) & (upper[child + w] as number)
        }
      } else if (kind === op.or) {
        for (let w = 0; w < words; w++) upper[at + w] = 0
        for (let i = from; i < to; i++) {
          const child = (children[i] as number) * words
          for (let w = 0; w < words; w++) upper[at + w] = (upper[at + w] as number) | (upper[child + w] as number)
        }
      }
    }
  }

  /** Fills `need`, and keeps as live the nodes that still matter to some sample. */
  #passDownwards(within: Uint32Array): void {
    const { childStart, children, roots } = this.#program
    const words = within.length
    const need = this.#need
    const upper = this.#upper
    const live = this.#live
    for (let l = 0; l < this.#liveNodes; l++) {
      const at = (live[l] as number) * words
      for (let w = 0; w < words; w++) need[at + w] = 0
    }
    for (const root of roots) {
      const at = root * words
      for (let w = 0; w < words; w++) need[at + w] = (within[w] as number) & (upper[at + w] as number)
    }
    let kept = this.#liveNodes
    for (let l = this.#liveNodes - 1; l >= 0; l--) {
      const node = live[l] as number
      const at = node * words
      if (isEmpty(need, at, at + words)) continue
      live[--kept] = node
      for (let i = childStart[node] as number; i < (childStart[node + 1] as number); i++) {
        const child = (children[i] as number) * words
        for (let w = 0; w < words; w++) {
          need[child + w] = (need[child + w] as number) | ((need[at + w] as number) & (upper[child + w] as number))
        }
      }
    }
    live.copyWithin(0, kept, this.#liveNodes)
    this.#liveNodes -= kept
  }

  /** Reads the rows of a wave for the literals that still matter, and narrows those to them. */
  #readWave({ hashes, nodes }: Wave, group: SegmentGroup, first: number, words: number): void {
    if (this.#rows.length < hashes.length) {
      this.#rows = new Uint32Array(hashes.length)
      this.#askers = new Int32Array(hashes.length)
    }
    const upper = this.#upper
    const rows = this.#rows
    const askers = this.#askers
    let wanted = 0
    for (let i = 0; i < hashes.length; i++) {
      const at = (nodes[i] as number) * words
      if (isEmpty(this.#need, at, at + words)) continue
      rows[wanted] = bitOf(hashes[i] as number, group.bits)
      askers[wanted++] = nodes[i] as number
    }
    const atOnce = Math.max(1, Math.floor(BUFFER_WORDS / group.words))
    for (let from = 0; from < wanted; from += atOnce) {
      const count = Math.min(atOnce, wanted - from)
      if (this.#buffer.length < count * group.words) this.#buffer = new Uint32Array(count * group.words)
      const buffer = this.#buffer
      group.readRows(rows.subarray(from, from + count), buffer)
      for (let i = 0; i < count; i++) {
        const at = (askers[from + i] as number) * words
        const row = i * group.words + first
        for (let w = 0; w < words; w++) upper[at + w] = (upper[at + w] as number) & (buffer[row + w] as number)
      }
    }
  }
}

/** The columns of the group that are asked about. */
function admitted(
  group: SegmentGroup,
  first: number,
  words: number,
  admits: ((id: number) => boolean) | null,
): Uint32Array {
  const within = new Uint32Array(words)
  const to = Math.min(group.count, (first + words) * 32)
  for (let s = first * 32; s < to; s++) {
    if (admits !== null && !admits(group.ids[s] as number)) continue
    const at = s - first * 32
    within[at >> 5] = (within[at >> 5] as number) | (1 << (at & 31))
  }
  return within
}

function isEmpty(columns: Uint32Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (columns[i] !== 0) return false
  return true
}

/**
 * Columns that are set in at least `count` of the children. Each of the 32 columns of a word is counted at once: bit
 * `c` of `planes[p]` is bit p of the count of column c, and adding a child is adding with carry.
 */
function atLeastColumns(table: Uint32Array, at: number, words: number, children: Int32Array, count: number): void {
  const planes = new Int32Array(32 - Math.clz32(Math.max(children.length, count)))
  for (let w = 0; w < words; w++) {
    planes.fill(0)
    for (let i = 0; i < children.length; i++) {
      let carry = table[(children[i] as number) * words + w] as number
      for (let p = 0; carry !== 0 && p < planes.length; p++) {
        const plane = planes[p] as number
        planes[p] = plane ^ carry
        carry &= plane
      }
    }
    // From the highest plane down: greater where the count has a bit that `count` lacks, and all above were equal.
    let greater = 0
    let equal = -1
    for (let p = planes.length - 1; p >= 0; p--) {
      const plane = planes[p] as number
      if (((count >> p) & 1) === 1) equal &= plane
      else {
        greater |= equal & plane
        equal &= ~plane
      }
    }
    table[at + w] = greater | equal
  }
}
