/**
 * From a literal to the grams that stand for it in a plan.
 *
 * A literal of L bytes has L−3 windows, and a signature answers one row for each. Some windows tell much less than
 * others: `00 00 00 00` is in every program, `8B 45 ?? 00` nearly so. And neighbouring windows tell nearly the same.
 * So windows are ranked by how common their bytes are in programs and text, taken best first, first such as do not
 * overlap, then the rest, and no more than are useful: each unrelated window halves the samples that pass by chance.
 */

/** Bytes in a window of either channel. */
export const GRAM_BYTES = 4

/** Windows that overlap a better one in this many bytes wait until the others had their turn. */
const SPREADS = [4, 2, 1] as const

/**
 * The literal's most telling grams, at most `limit`, without doubles, best first. `literal` holds folded bytes as
 * characters; shorter than `GRAM_BYTES` it has none.
 */
export function gramsOf(literal: string, limit: number): Uint32Array {
  const windows = literal.length - GRAM_BYTES + 1
  if (windows <= 0) return new Uint32Array(0)
  const order = ranked(literal, windows)
  const taken = new Uint8Array(windows)
  const grams = new Set<number>()
  for (const spread of SPREADS) {
    for (const at of order) {
      if (grams.size === limit) return Uint32Array.from(grams)
      if (crowded(taken, at, spread)) continue
      taken[at] = 1
      grams.add(gramAt(literal, at))
    }
  }
  return Uint32Array.from(grams)
}

function gramAt(literal: string, at: number): number {
  return (
    (literal.charCodeAt(at) |
      (literal.charCodeAt(at + 1) << 8) |
      (literal.charCodeAt(at + 2) << 16) |
      (literal.charCodeAt(at + 3) << 24)) >>>
    0
  )
}

function crowded(taken: Uint8Array, at: number, spread: number): boolean {
  const from = Math.max(0, at - spread + 1)
  const to = Math.min(taken.length, at + spread)
  for (let other = from; other < to; other++) if (taken[other] === 1) return true
  return false
}

/** The windows' positions, most telling first; equals stay in the order of the literal. */
function ranked(literal: string, windows: number): Uint32Array {
  const scores = new Int32Array(windows)
  for (let at = 0; at < windows; at++) scores[at] = telling(literal, at)
  const order = Uint32Array.from({ length: windows }, (_, at) => at)
  return order.sort((left, right) => (scores[right] as number) - (scores[left] as number) || left - right)
}

/** How much a window tells: rare bytes count more, repeated bytes count once. */
function telling(literal: string, at: number): number {
  let score = 0
  for (let i = 0; i < GRAM_BYTES; i++) {
    const code = literal.charCodeAt(at + i)
    let repeated = false
    for (let j = 0; j < i; j++) if (literal.charCodeAt(at + j) === code) repeated = true
    if (!repeated) score += rarity[code] as number
  }
  return score
}

/** 0 for bytes that are everywhere, 4 for rare ones; from counts over Windows programs and system files. */
const rarity = new Uint8Array(256).fill(4)
const common: readonly [number, readonly number[]][] = [
  [0, [0x00]],
  [1, [0xff, 0xcc, 0x90, 0x20]],
  [2, [0x01, 0x02, 0x03, 0x04, 0x08, 0x0f, 0x10, 0x24, 0x40, 0x44, 0x45, 0x48, 0x4c, 0x83, 0x85, 0x89, 0x8b, 0x8d]],
  [2, [0xc0, 0xe8, 0xf0, 0x65, 0x74, 0x61, 0x69, 0x6e, 0x6f, 0x72, 0x73]],
  [3, [0x05, 0x06, 0x07, 0x0c, 0x14, 0x18, 0x1c, 0x28, 0x2e, 0x30, 0x31, 0x33, 0x38, 0x41, 0x49, 0x50, 0x5f]],
  [3, [0x63, 0x64, 0x66, 0x67, 0x68, 0x6c, 0x6d, 0x70, 0x75, 0x80, 0xc1, 0xc3, 0xc4, 0xc7, 0xeb, 0xec, 0xfe]],
]
for (const [score, bytes] of common) for (const byte of bytes) rarity[byte] = score
