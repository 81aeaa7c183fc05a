/**
 * Which segments are merged. `planMerge` of the index joins neighbours, best such as have disjoint ranges of ids. Samples
 * are numbered when they arrive and indexed when they are matched, so a sample that took long ends up in a segment
 * inside the range of another:
 *
 *     ids        1 ────────── 400 | 401 ────────── 800 | 801 ──── …
 *     chain 1    ▇▇▇▇▇▇ ▇▇▇▇▇▇▇▇▇▇  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  ▇▇▇▇▇▇▇
 *     chain 2          7                 402 403
 *
 * Segments are therefore dealt into chains of disjoint ones, the first being nearly all of the index where samples end in
 * the order in which they came, and each chain is merged by itself. In the later chains only what lies close together is
 * joined, because a hunt treats segments whose ranges overlap as one. Where many samples are under way at once, all
 * segments of some seconds overlap; in the end those that lie close together are joined whatever their chain, which
 * costs a hunt nothing. So are small ones that never add up to a larger one, when there are many of them.
 */
import { planMerge, TIERS } from '../index/index.ts'

interface Extent {
  readonly firstId: number
  readonly lastId: number
  readonly samples: number
  readonly deleted: number
}

/** How far apart (in ids) segments of the later chains may lie to be joined. */
const SPAN = 65_536

/** Deals segments, which ascend by `firstId`, into as few chains of disjoint ones as there can be. */
export function chains<T extends Extent>(segments: readonly T[]): T[][] {
  const dealt: { lastId: number; readonly chain: T[] }[] = []
  for (const segment of segments) {
    const fitting = dealt.find(({ lastId }) => lastId < segment.firstId)
    if (fitting) {
      fitting.chain.push(segment)
      fitting.lastId = segment.lastId
    } else {
      dealt.push({ lastId: segment.lastId, chain: [segment] })
    }
  }
  return dealt.map(({ chain }) => chain)
}

/** The segments to merge next, ascending by `firstId`, or null. A single one is to be rewritten without its deleted. */
export function nextMerge<T extends Extent>(segments: readonly T[]): T[] | null {
  const [main, ...later] = chains(segments)
  for (const chain of [main ?? [], ...later.flatMap(clusters), ...clusters(segments)]) {
    const range = planMerge(chain)
    if (range) return chain.slice(range.from, range.to)
  }
  return small(segments)
}

/** As many small segments as this may lie close together; more are joined. */
const SMALL_SEGMENTS = 8

/**
 * Too many segments below a tier that lie close together; null where there are none. Not below the highest: several
 * large segments are asked at once, by as many workers.
 */
function small<T extends Extent>(segments: readonly T[]): T[] | null {
  for (const tier of TIERS.slice(0, -1)) {
    for (const cluster of clusters(segments)) {
      const small = cluster.filter(({ samples }) => samples < tier)
      if (small.length > SMALL_SEGMENTS) return small
    }
  }
  return null
}

/** Cuts what ascends by `firstId` into parts that span no more than `SPAN` ids. */
function clusters<T extends Extent>(segments: readonly T[]): T[][] {
  const parts: { readonly from: number; readonly part: T[] }[] = []
  for (const segment of segments) {
    const last = parts.at(-1)
    if (last && segment.lastId - last.from < SPAN) last.part.push(segment)
    else parts.push({ from: segment.firstId, part: [segment] })
  }
  return parts.map(({ part }) => part)
}
