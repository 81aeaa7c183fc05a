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
import { compilePlans, op, type Program } from './program.ts'

/** Rows of a literal read in its first waves; the last entry goes for all that follow. */
const WAVES = [3, 4, 8] as const
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
  /** Grams that were asked for already, for every node. */
  readonly #asked: Int32Array

  constructor(plans: readonly Plan[]) {
    this.#program = compilePlans(plans)
    this.#asked = new Int32Array(this.#program.nodes)
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
    const { nodes, kinds, values, facts } = this.#program
    if (this.#upper.length < nodes * words) {
      this.#upper = new Uint32Array(nodes * words)
      this.#need = new Uint32Array(nodes * words)
    }
    for (let node = 0; node < nodes; node++) {
      const columns = this.#upper.subarray(node * words, (node + 1) * words)
      if (kinds[node] === op.fact) factColumns(facts[values[node] as number] as Fact, group, first, columns)
      else columns.fill(kinds[node] === op.never ? 0 : 0xffffffff)
    }
    this.#asked.fill(0)
    for (let wave = 0; ; wave++) {
      this.#passUpwards(words)
      if (group.bits === 0) return
      this.#passDownwards(within)
      const rows = this.#nextRows(group, words, WAVES[wave] ?? (WAVES[WAVES.length - 1] as number))
      if (rows.length === 0) return
      this.#readWave(group, rows, first, words)
    }
  }

  #passUpwards(words: number): void {
    const { nodes, kinds, values, childStart, children } = this.#program
    const upper = this.#upper
    for (let node = 0; node < nodes; node++) {
      const kind = kinds[node]
      const from = childStart[node] as number
      const to = childStart[node + 1] as number
      const at = node * words
      if (kind === op.atLeast) {
        atLeastColumns(upper, at, words, children.subarray(from, to), values[node] as number)
      } else if (kind === op.and || kind === op.or) {
        upper.copyWithin(at, (children[from] as number) * words, ((children[from] as number) + 1) * words)
        for (let i = from + 1; i < to; i++) {
          const child = (children[i] as number) * words
          if (kind === op.and)
            for (let w = 0; w < words; w++) upper[at + w] = (upper[at + w] as number) & (upper[child + w] as number)
          else for (let w = 0; w < words; w++) upper[at + w] = (upper[at + w] as number) | (upper[child + w] as number)
        }
      }
    }
  }

  #passDownwards(within: Uint32Array): void {
    const { nodes, childStart, children, roots } = this.#program
    const words = within.length
    const need = this.#need
    const upper = this.#upper
    need.fill(0, 0, nodes * words)
    for (const root of roots) need.set(within, root * words)
    for (let node = nodes - 1; node >= 0; node--) {
      const at = node * words
      let any = 0
      for (let w = 0; w < words; w++) {
        const both = (need[at + w] as number) & (upper[at + w] as number)
        need[at + w] = both
        any |= both
      }
      if (any === 0) continue
      for (let i = childStart[node] as number; i < (childStart[node + 1] as number); i++) {
        const child = (children[i] as number) * words
        for (let w = 0; w < words; w++) need[child + w] = (need[child + w] as number) | (need[at + w] as number)
      }
    }
  }

  /** The next rows of all literals that still matter: `row * nodes + node`, ascending. */
  #nextRows(group: SegmentGroup, words: number, most: number): Float64Array {
    const { nodes, kinds, values, grams } = this.#program
    const wanted: number[] = []
    for (let node = 0; node < nodes; node++) {
      if (kinds[node] !== op.grams || isEmpty(this.#need, node * words, (node + 1) * words)) continue
      const hashes = grams[values[node] as number] as Uint32Array
      const from = this.#asked[node] as number
      const to = Math.min(hashes.length, from + most)
      for (let i = from; i < to; i++) wanted.push(bitOf(hashes[i] as number, group.bits) * nodes + node)
      this.#asked[node] = to
    }
    return Float64Array.from(wanted).sort()
  }

  #readWave(group: SegmentGroup, wanted: Float64Array, first: number, words: number): void {
    const { nodes } = this.#program
    const upper = this.#upper
    const atOnce = Math.max(1, Math.floor(BUFFER_WORDS / group.words))
    for (let from = 0; from < wanted.length; from += atOnce) {
      const count = Math.min(atOnce, wanted.length - from)
      if (this.#buffer.length < count * group.words) this.#buffer = new Uint32Array(count * group.words)
      const buffer = this.#buffer
      const rows = Uint32Array.from({ length: count }, (_, i) => Math.floor((wanted[from + i] as number) / nodes))
      group.readRows(rows, buffer)
      for (let i = 0; i < count; i++) {
        const at = ((wanted[from + i] as number) - (rows[i] as number) * nodes) * words
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
