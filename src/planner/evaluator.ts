/**
 * Some plans against some columns of a group: which samples can no plan rule out?
 *
 * A group of a segment is a bit matrix: a row for every bit of the signature, a column for every sample. So the answer
 * to "which samples hold this gram" is one row, a literal is the conjunction of its grams' rows, and a plan is set
 * algebra on words of 32 samples each. What costs is reading rows, and most of them need not be read: a literal whose
 * first three grams leave no sample has no use for its other seventeen, and once `$a` leaves none, `$a and $b` has no use
 * for `$b`. So a round reads a few rows only, for the literals that can still decide something:
 *
 *     downwards   from each plan that is not decided, with the samples that it may still hold on: of an `and` to one
 *                 literal that has rows left, of an `or` to all of them
 *     rows        the next few of each of these literals
 *     upwards     `upper`, the samples that each part may still hold on, of all that was touched
 *
 *     and                 upper 0110
 *     ├─ uint16(0)==MZ    upper 0110   (from the columns of first bytes)
 *     ├─ $a               upper 1111, after a round of 3 rows: 0100
 *     └─ $b               upper 1111, asked in the next rounds, if at all, for the one sample that is left
 *
 * The rows of a round are read in ascending order, all plans together, so that a segment in a file is read forwards and
 * a row that two literals share is read from the page cache at worst.
 */
import { bitOf, type SegmentGroup, type WindowKind } from '../index/index.ts'
import type { GroupFacts } from './prefilter.ts'
import { op, type Program } from './program.ts'

/** Words of rows read at once. */
const BUFFER_WORDS = 1 << 20
/** How many grams of a literal are read in its first turns; the last entry goes for all that follow. */
const TURNS = [3, 4, 8] as const
/** What has not been ruled out after so many rounds mostly matches: then an `and` goes on with all of its literals. */
const CAUTIOUS_ROUNDS = 3

/** Some columns of a group, whole words of 32 samples, and what is asked of them. */
export interface Columns {
  readonly group: SegmentGroup
  readonly facts: GroupFacts
  /** Which words of the group's rows these are, ascending. */
  readonly words: Int32Array
  /** For each plan, the columns of these words that matter to it; null where none does. */
  readonly within: readonly (Uint32Array | null)[]
  /** The nodes of the plans that are not null in `within`, with all that is below them, ascending. */
  readonly nodes: Int32Array
}

/** Evaluates a program. Its memory is used again for each call, and grows with nodes times words. */
export class Evaluator {
  readonly #program: Program
  /** Words of the columns that are being narrowed. */
  #width = 0
  /** A row for each node. */
  #upper = new Uint32Array(0)
  /** The samples for which the way down is taken, a row for each step of it. */
  #need = new Uint32Array(0)
  #buffer = new Uint32Array(0)
  readonly #rows: Uint32Array
  /** The literal that asks for each of the rows. */
  readonly #askers: Int32Array
  /** How many grams of each literal need not be asked for any more, and after how many turns. */
  readonly #asked: Int32Array
  readonly #turns: Int32Array
  /** The last round in which each node was on the way down, the samples for which, and whether rows came of it. */
  readonly #lastRound: Int32Array
  #visitedFor = new Uint32Array(0)
  readonly #isChosen: Uint8Array
  /** 1: all rows of the node, and of what is below it, have been read. */
  readonly #isDone: Uint8Array
  /** A bit for each of the program's hashes: its row is read in this round. */
  readonly #wanted: Uint32Array
  /** A bit for each node: rows of it, or of something below it, are read in this round. */
  readonly #touched: Uint32Array

  constructor(program: Program) {
    const { nodes, hashes } = program
    this.#program = program
    this.#rows = new Uint32Array(hashes.length)
    this.#askers = new Int32Array(hashes.length)
    this.#asked = new Int32Array(nodes)
    this.#turns = new Int32Array(nodes)
    this.#lastRound = new Int32Array(nodes)
    this.#isChosen = new Uint8Array(nodes)
    this.#isDone = new Uint8Array(nodes)
    this.#wanted = new Uint32Array(Math.ceil(hashes.length / 32))
    this.#touched = new Uint32Array(Math.ceil(nodes / 32))
  }

  /**
   * Tells for each plan that has columns `within` which of them it cannot rule out: bit `s & 31` of word `w` is sample
   * `words[w] * 32 + s` of the group. @throws Failure `segment.damaged`
   */
  narrow(columns: Columns, found: (plan: number, left: Uint32Array) => void): void {
    this.#begin(columns)
    // Samples without bits may hold every gram.
    for (let round = 1; columns.group.bits > 0 && this.#choose(columns.within, round); round++) {
      this.#readWanted(columns)
      takeBits(this.#touched, (node) => this.#passUpwards(node))
    }
    columns.within.forEach((within, plan) => {
      if (within === null) return
      const at = (this.#program.roots[plan] as number) * this.#width
      found(
        plan,
        within.map((word, w) => word & (this.#upper[at + w] as number)),
      )
    })
  }

  /** Fills `upper` with what the facts say. */
  #begin({ group, facts, words, nodes }: Columns): void {
    const program = this.#program
    const width = words.length
    this.#width = width
    if (this.#upper.length < program.nodes * width) {
      this.#upper = new Uint32Array(program.nodes * width)
      this.#visitedFor = new Uint32Array(program.nodes * width)
    }
    const upper = this.#upper
    // A damaged segment may have ended the last call halfway.
    this.#touched.fill(0)
    for (const node of nodes) {
      const at = node * width
      const kind = program.kinds[node]
      if (kind === op.fact) {
        const { key, fact } = program.facts[program.values[node] as number] as Program['facts'][number]
        const all = facts.columns(key, fact)
        for (let w = 0; w < width; w++) upper[at + w] = all === null ? 0 : (all[words[w] as number] as number)
      } else {
        const word = kind === op.never ? 0 : 0xffffffff
        for (let w = 0; w < width; w++) upper[at + w] = word
      }
      this.#lastRound[node] = 0
      if (kind === op.grams) {
        this.#asked[node] = this.#firstAsk(node, group.kind)
        this.#turns[node] = 0
        this.#isDone[node] = 0
      } else this.#passUpwards(node)
    }
  }

  /** The first ask of a literal that samples with windows of this kind can be asked for. */
  #firstAsk(node: number, kind: WindowKind): number {
    const { asksFrom } = this.#program
    // Samples with long windows have no others but the short ones.
    if (kind === 'long') return (asksFrom.text[node] as number) > 0 ? 0 : (asksFrom.short[node] as number)
    return asksFrom[kind][node] as number
  }

  /** Brings `upper` and `isDone` of a node up to date with its children, or with the rows that have been read of it. */
  #passUpwards(node: number): void {
    const { kinds, values, childStart, children, askStart } = this.#program
    const upper = this.#upper
    const width = this.#width
    const kind = kinds[node]
    if (kind === op.grams) {
      const grams = (askStart[node + 1] as number) - (askStart[node] as number)
      this.#isDone[node] = this.#asked[node] === grams ? 1 : 0
      return
    }
    const from = childStart[node] as number
    const to = childStart[node + 1] as number
    const at = node * width
    let isDone = 1
    for (let i = from; i < to; i++) isDone &= this.#isDone[children[i] as number] as number
    this.#isDone[node] = isDone
    if (kind === op.atLeast) {
      atLeastColumns(upper, at, width, children.subarray(from, to), values[node] as number)
    } else if (kind === op.and) {
      // What is known already stays: `upper` only ever shrinks.
      for (let i = from; i < to; i++) {
        const child = (children[i] as number) * width
        for (let w = 0; w < width; w++) upper[at + w] = (upper[at + w] as number) & (upper[child + w] as number)
      }
    } else if (kind === op.or) {
      for (let w = 0; w < width; w++) upper[at + w] = 0
      for (let i = from; i < to; i++) {
        const child = (children[i] as number) * width
        for (let w = 0; w < width; w++) upper[at + w] = (upper[at + w] as number) | (upper[child + w] as number)
      }
    }
  }

  /** Picks the rows of the next round; false when nothing can be decided any more. */
  #choose(within: Columns['within'], round: number): boolean {
    const { roots } = this.#program
    let isAnyChosen = false
    within.forEach((columns, plan) => {
      const root = roots[plan] as number
      if (columns === null || this.#isDone[root] === 1) return
      this.#reserve(0)
      this.#need.set(columns)
      if (this.#isNeeded(root, 0) && this.#descend(root, 1, round)) isAnyChosen = true
    })
    return isAnyChosen
  }

  /** Narrows the need of the step before to a node, as the next step's; false when nothing is left. */
  #isNeeded(node: number, step: number): boolean {
    this.#reserve(step + 1)
    const need = this.#need
    const width = this.#width
    const before = step * width
    let any = 0
    for (let w = 0; w < width; w++) {
      const word = (need[before + w] as number) & (this.#upper[node * width + w] as number)
      need[before + width + w] = word
      any |= word
    }
    return any !== 0
  }

  #reserve(step: number): void {
    if (this.#need.length >= (step + 1) * this.#width) return
    const need = new Uint32Array(2 * (step + 1) * this.#width)
    need.set(this.#need)
    this.#need = need
  }

  /**
   * Chooses what to read for a node; false when nothing below it has rows left that matter. A node may be reached on many
   * ways, but goes down again only for samples that it has not gone down for in this round.
   */
  #descend(node: number, step: number, round: number): boolean {
    if (this.#wasVisited(node, step, round)) return this.#isChosen[node] === 1
    const { kinds, values, childStart, children } = this.#program
    const kind = kinds[node]
    const from = childStart[node] as number
    const to = childStart[node + 1] as number
    // Enough of the children to rule the node out: one of an `and`, three where two of four are demanded.
    let enough = to - from
    if (round <= CAUTIOUS_ROUNDS) {
      if (kind === op.and) enough = 1
      else if (kind === op.atLeast) enough -= (values[node] as number) - 1
    }
    let isChosen = kind === op.grams
    for (let i = from; i < to && enough > 0; i++) {
      const child = children[i] as number
      if (this.#isDone[child] === 1 || !this.#isNeeded(child, step)) continue
      if (!this.#descend(child, step + 1, round)) continue
      isChosen = true
      enough--
    }
    if (!isChosen) {
      // What is below may have been read on other ways, for other plans, since this node was last brought up to date.
      this.#passUpwards(node)
      return false
    }
    if (kind === op.grams && this.#isChosen[node] === 0) this.#want(node)
    this.#isChosen[node] = 1
    setBit(this.#touched, node)
    return true
  }

  /** Whether the node was on the way down in this round for all samples of this step; notes that it is now. */
  #wasVisited(node: number, step: number, round: number): boolean {
    const width = this.#width
    const at = node * width
    const visitedFor = this.#visitedFor
    const isFirst = this.#lastRound[node] !== round
    if (isFirst) {
      this.#lastRound[node] = round
      this.#isChosen[node] = 0
    }
    let more = 0
    for (let w = 0; w < width; w++) {
      const need = this.#need[step * width + w] as number
      const before = isFirst ? 0 : (visitedFor[at + w] as number)
      more |= need & ~before
      visitedFor[at + w] = before | need
    }
    return more === 0
  }

  /** Marks the next few grams of a literal. */
  #want(literal: number): void {
    const { askStart, asks, asksFrom } = this.#program
    const turn = this.#turns[literal] as number
    const start = askStart[literal] as number
    const from = this.#asked[literal] as number
    const longEnd = asksFrom.text[literal] as number
    const end = from < longEnd ? longEnd : (askStart[literal + 1] as number) - start
    const to = Math.min(end, from + (TURNS[Math.min(turn, TURNS.length - 1)] as number))
    for (let i = from; i < to; i++) setBit(this.#wanted, asks[start + i] as number)
    // Only what has long windows is asked for them, and then for the short ones.
    this.#asked[literal] = to === longEnd ? (asksFrom.short[literal] as number) : to
    this.#turns[literal] = turn + 1
  }

  /** Reads the wanted rows, and narrows the literals to them. */
  #readWanted({ group, words }: Columns): void {
    const wanted = this.#takeWanted(group.bits)
    const upper = this.#upper
    const width = this.#width
    const atOnce = Math.max(1, Math.floor(BUFFER_WORDS / group.words))
    for (let from = 0; from < wanted; from += atOnce) {
      const count = Math.min(atOnce, wanted - from)
      if (this.#buffer.length < count * group.words) this.#buffer = new Uint32Array(count * group.words)
      const buffer = this.#buffer
      group.readRows(this.#rows.subarray(from, from + count), buffer)
      for (let i = 0; i < count; i++) {
        const at = (this.#askers[from + i] as number) * width
        const row = i * group.words
        for (let w = 0; w < width; w++) {
          upper[at + w] = (upper[at + w] as number) & (buffer[row + (words[w] as number)] as number)
        }
      }
    }
  }

  /** Lists the wanted rows and who asks for them, ascending. Returns how many. */
  #takeWanted(bits: number): number {
    const { hashes, literals } = this.#program
    let count = 0
    takeBits(this.#wanted, (place) => {
      this.#rows[count] = bitOf(hashes[place] as number, bits)
      this.#askers[count++] = literals[place] as number
    })
    return count
  }
}

function setBit(bits: Uint32Array, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] as number) | (1 << (at & 31))
}

/** Visits the bits that are set, ascending, and clears them. */
function takeBits(bits: Uint32Array, visit: (at: number) => void): void {
  for (let w = 0; w < bits.length; w++) {
    let left = bits[w] as number
    bits[w] = 0
    while (left !== 0) {
      visit(w * 32 + 31 - Math.clz32(left & -left))
      left &= left - 1
    }
  }
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
