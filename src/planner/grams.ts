import {
  type Channel,
  isLetterOrDigit,
  isText,
  LONG_BYTES,
  LONGEST_WORD,
  SHORTEST_WORD,
  TEXT_LENGTHS,
  textHash,
  wordHashes,
} from '../index/index.ts'
import type { GramsPlan } from './plan.ts'

/**
 * From a literal to the grams that stand for it in a plan.
 *
 * A literal of L bytes has L−3 windows, and a signature answers one row for each. Some windows select much less than
 * others: `00 00 00 00` is in every program, `8B 45 ?? 00` nearly so. And neighbouring windows select nearly the same.
 * So windows are ranked by how common their bytes are in programs and text, taken best first, first such as do not
 * overlap, then the rest, and no more than are useful: each unrelated window halves the samples that pass by chance.
 * The same goes for the long windows, of which there are LONG_BYTES − 4 fewer, and for text windows, the longest first.
 */

/** Bytes in a window of either channel. */
export const GRAM_BYTES = 4

/** Windows of one literal that are ranked; texts of many kilobytes have as selective ones among their first. */
const MAX_WINDOWS = 1_024

/** Windows that overlap a better one in this part of their bytes wait until the others had their turn. */
const SPREADS = [1, 0.5, 0] as const

/** Bits of words that are asked for; the longest words come first. */
const MAX_WORD_HASHES = 12

/**
 * What a sample with the literal in it holds; null for a literal that is too short to be looked up. `isWhole`: neither a
 * letter nor a digit stands before or behind it.
 */
export function gramsPlanOf(
  literal: string,
  channel: Channel,
  label: string,
  limit: number,
  isWhole = false,
): GramsPlan | null {
  const grams = gramsOf(literal, limit)
  const wordHashes = wordHashesOf(literal, channel, isWhole)
  if (grams.length === 0 && wordHashes.length === 0) return null
  const textHashes = textHashesOf(literal, channel, limit)
  return { kind: 'grams', channel, grams, longGrams: longGramsOf(literal, limit), textHashes, wordHashes, label }
}

/** The hashes of the literal's text windows, at most `limit`, without doubles. */
function textHashesOf(literal: string, channel: Channel, limit: number): Uint32Array {
  const hashes = new Set<number>()
  // Hundreds of forms of a string under `xor` have none, and ranking their windows would take most of the time of a plan.
  const longest = longestText(literal)
  for (const length of TEXT_LENGTHS.toReversed()) {
    if (length > longest) continue
    for (const at of placesOf(literal, length, limit)) {
      if (hashes.size === limit) return Uint32Array.from(hashes)
      if (isAllText(literal, at, length)) hashes.add(textHash(channel, literal, at, length))
    }
  }
  return Uint32Array.from(hashes)
}

/** The length of the longest run of text. */
function longestText(literal: string): number {
  let longest = 0
  for (let at = 0, run = 0; at < literal.length; at++) {
    run = isText(literal.charCodeAt(at)) ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return longest
}

function isAllText(literal: string, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (!isText(literal.charCodeAt(i))) return false
  return true
}

function wordHashesOf(literal: string, channel: Channel, isWhole: boolean): Uint32Array {
  const words = new Set<string>()
  const end = Math.min(literal.length, MAX_WINDOWS)
  for (let from = 0; from < end; from++) {
    let to = from
    while (to < end && isLetterOrDigit(literal.charCodeAt(to))) to++
    const begins = from > 0 || isWhole
    const ends = to < end || (to === literal.length && isWhole)
    if (begins && ends && to - from >= SHORTEST_WORD && to - from <= LONGEST_WORD) words.add(literal.slice(from, to))
    from = to
  }
  const longest = [...words].sort((one, other) => other.length - one.length)
  return Uint32Array.from(new Set(longest.flatMap((word) => wordHashes(channel, word)))).slice(0, MAX_WORD_HASHES)
}

/**
 * The literal's most selective grams, at most `limit`, without doubles, best first. `literal` holds folded bytes as
 * characters; shorter than `GRAM_BYTES` it has none.
 */
export function gramsOf(literal: string, limit: number): Uint32Array {
  return Uint32Array.from(windowsOf(literal, GRAM_BYTES, limit))
}

/** The same for long windows. */
function longGramsOf(literal: string, limit: number): Float64Array {
  return Float64Array.from(windowsOf(literal, LONG_BYTES, limit))
}

function windowsOf(literal: string, length: number, limit: number): ReadonlySet<number> {
  return new Set(placesOf(literal, length, limit).map((at) => gramAt(literal, at, length)))
}

/** Where the most selective windows are, best first, at most `limit` different ones. */
function placesOf(literal: string, length: number, limit: number): readonly number[] {
  const windows = Math.min(MAX_WINDOWS, literal.length - length + 1)
  if (windows <= 0) return []
  const order = ranked(literal, windows, length)
  const taken = new Uint8Array(windows)
  const places: number[] = []
  const known = new Set<string>()
  for (const spread of SPREADS) {
    for (const at of order) {
      if (places.length === limit) return places
      if (isTooClose(taken, at, Math.max(1, spread * length))) continue
      taken[at] = 1
      const window = literal.slice(at, at + length)
      if (known.has(window)) continue
      known.add(window)
      places.push(at)
    }
  }
  return places
}

/** The window as an integer, its first byte in the low bits. */
function gramAt(literal: string, at: number, length: number): number {
  let gram = 0
  for (let i = length - 1; i >= 0; i--) gram = gram * 256 + literal.charCodeAt(at + i)
  return gram
}

function isTooClose(taken: Uint8Array, at: number, spread: number): boolean {
  const from = Math.max(0, at - spread + 1)
  const to = Math.min(taken.length, at + spread)
  for (let other = from; other < to; other++) if (taken[other] === 1) return true
  return false
}

/** The windows' positions, most selective first; equals stay in the order of the literal. */
function ranked(literal: string, windows: number, length: number): Uint32Array {
  const scores = new Int32Array(windows)
  for (let at = 0; at < windows; at++) scores[at] = selectivity(literal, at, length)
  const order = Uint32Array.from({ length: windows }, (_, at) => at)
  return order.sort((left, right) => (scores[right] as number) - (scores[left] as number) || left - right)
}

/** How selective a window is: rare bytes count more, repeated bytes count once. */
function selectivity(literal: string, at: number, length: number): number {
  let score = 0
  for (let i = 0; i < length; i++) {
    const code = literal.charCodeAt(at + i)
    let repeated = false
    for (let j = 0; j < i; j++) if (literal.charCodeAt(at + j) === code) repeated = true
    if (!repeated) score += rarity[code] as number
  }
  return score
}

/**
 * For every folded byte, how rare it is, from 1 for the zero byte to 9: the negated logarithm (base 2) of its mean
 * share in 684 Windows programs and Linux system files, less 2. `A` to `Z` do not occur after folding.
 */
const rarity = Uint8Array.from(
  '1566667766477676778878887888888818576886557856566677777877677668' +
    '7000000000000000000000000007779473544245436644334733346665677799' +
    '7897779986968799889989988999999989999999888899998999999989999999' +
    '7898898889997999778889988979999977898899789889997898898988999885',
  Number,
)
