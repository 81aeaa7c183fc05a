/** Whether a sample is in the allow list of a rule. */
import { type Allowed, type AllowedKind, inSmallLetters } from '../store/index.ts'

/** What of a sample allow lists are about. */
export interface AllowedTraits {
  /** Those that are known, as lower-case hexadecimal digits. */
  readonly hashes: readonly string[]
  /** The one that the match shows. */
  readonly name: string
  /** In small letters. */
  readonly signers: readonly string[]
  readonly serials: readonly string[]
}

const holds: Readonly<Record<AllowedKind, (value: string, traits: AllowedTraits) => boolean>> = {
  hash: (value, { hashes }) => hashes.includes(value),
  name: (value, { name }) => fitsWildcards(value, name),
  signer: (value, { signers }) => signers.includes(inSmallLetters(value)),
  serial: (value, { serials }) => serials.includes(inSmallLetters(value)),
}

export function isAllowed({ kind, value }: Pick<Allowed, 'kind' | 'value'>, traits: AllowedTraits): boolean {
  return holds[kind](value, traits)
}

/**
 * `*` and `?` stand for any characters and one character; ASCII case does not matter. Takes time of pattern × text at
 * most: where a part does not fit, only the last `*` takes one more character.
 */
export function fitsWildcards(pattern: string, text: string): boolean {
  const wanted = [...inSmallLetters(pattern)]
  const given = [...inSmallLetters(text)]
  let star = -1
  let taken = 0
  let at = 0
  let from = 0
  while (at < given.length) {
    const next = wanted[from]
    if (next === '*') {
      star = from++
      taken = at
    } else if (next !== undefined && (next === '?' || next === given[at])) {
      from++
      at++
    } else if (star >= 0) {
      from = star + 1
      at = ++taken
    } else return false
  }
  while (wanted[from] === '*') from++
  return from === wanted.length
}
