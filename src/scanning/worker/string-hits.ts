import type { EngineMatch } from '../engine.ts'
import type { StringHit } from '../tasks.ts'

const AROUND = 16
const SHOWN = 32

/**
 * The matching strings of a rule as people see them, by ascending offset. The engine's own rendering of the bytes is
 * lossy, so they are read from the sample again. Private strings are left out.
 */
export function stringHits(
  matches: EngineMatch['strings'],
  bytes: Uint8Array,
  privateStrings: ReadonlySet<string>,
  limits: { readonly hitsPerString: number; readonly hitsPerRule: number },
): StringHit[] {
  const taken = new Map<string, number>()
  const hits: StringHit[] = []
  for (const match of matches.toSorted((a, b) => a.offset - b.offset)) {
    if (privateStrings.has(match.identifier)) continue
    const count = taken.get(match.identifier) ?? 0
    if (count >= limits.hitsPerString) continue
    taken.set(match.identifier, count + 1)
    const start = Math.max(0, match.offset - AROUND)
    const end = Math.min(bytes.length, match.offset + Math.min(match.length, SHOWN) + AROUND)
    hits.push({
      identifier: match.identifier,
      offset: match.offset,
      length: match.length,
      context: new Uint8Array(bytes.subarray(start, end)),
      contextStart: match.offset - start,
    })
    if (hits.length >= limits.hitsPerRule) break
  }
  return hits
}
