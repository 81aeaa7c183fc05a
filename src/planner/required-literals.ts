/**
 * Required literals: which byte strings every match of a pattern must contain.
 *
 * The problem: a signature knows which windows of four bytes occur in a sample, so a pattern can use it only through
 * byte strings that are in every match. For `{ 4D 5A [4-8] ( 50 45 | 4E 45 ) 00 00 }` those are `4D 5A`, and one of
 * `50 45 00 00` and `4E 45 00 00`.
 *
 * The idea is the one of Russ Cox's code search: walk the pattern from the leaves up and carry four things for each
 * part of it: `exact`, all strings it can match, as long as they are few; else the strings that its matches start with
 * (`prefix`) and end with (`suffix`), and what they hold in between (`demand`). Putting two parts side by side crosses
 * what the left one ends with and what the right one starts with. When a set would grow too large it is turned into a
 * demand, and only its last (or first) three bytes go on, enough to carry the windows that span the seam.
 *
 *     { 41 42 43 4? 45 [2-] 46 47 48 49 }
 *       41 42 43           exact  { "ABC" }
 *       41 42 43 4? 45     exact  { "ABC@E", "ABCAE", … }        16 strings
 *       … [2-]             prefix { those 16 }, suffix { "" }
 *       … 46 47 48 49      prefix { those 16 }, suffix { "FGHI" }
 *     and at the end: one of the 16, and "FGHI".
 *
 * Everything here works on folded bytes (`A`–`Z` as `a`–`z`), one character of a JavaScript string each: the index
 * folds too, so nothing is lost, and `nocase` costs nothing. A part that is not understood matches anything.
 */
import type { HexToken, RegexpNode } from '../yara/index.ts'

/** What every match contains. `oneOf` holds no string shorter than two bytes: nothing could be done with it. */
export type LiteralDemand =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'oneOf'; readonly literals: readonly string[] }
  | { readonly kind: 'and'; readonly parts: readonly LiteralDemand[] }
  | { readonly kind: 'or'; readonly parts: readonly LiteralDemand[] }

/** More strings than this in one set are not followed any further. */
const MAX_SET = 64
/** A byte class with more members than this (after folding) stands for any byte. */
const MAX_CLASS = 16
/** Characters in one set; above it the set becomes a demand. */
const MAX_SET_CHARACTERS = 4096
/** One character is no window in any encoding; two are four bytes when they are wide. */
const SHORTEST = 2
/** Demands of one pattern; more are dropped. */
const MAX_PARTS = 200
/** Parts of a pattern that are looked at; what lies beyond matches anything. */
const MAX_NODES = 50_000
/** Nesting that is followed; the parser's own bound is lower, but a tree need not come from the parser. */
const MAX_DEPTH = 200
/** Bytes that a seam must carry so that no window of four is lost. */
const SEAM = 3

const nothing: LiteralDemand = { kind: 'nothing' }

interface Shape {
  /** All strings that the part can match, or null when they are too many. */
  readonly exact: readonly string[] | null
  /** Every match starts with one of these. Equal to `exact` when that is known. */
  readonly prefix: readonly string[]
  /** Every match ends with one of these. Equal to `exact` when that is known. */
  readonly suffix: readonly string[]
  /** What every match contains besides. */
  readonly demand: LiteralDemand
}

const empty: Shape = exactly([''])
const anything: Shape = { exact: null, prefix: [''], suffix: [''], demand: nothing }

/** The demand of a regular expression; `nothing` for one that was not understood. */
export function literalsOfRegexp(node: RegexpNode | null): LiteralDemand {
  return node === null ? nothing : complete(shapeOfNode(node, { nodes: MAX_NODES }, 0))
}

/** The demand of a hex string. */
export function literalsOfHex(tokens: readonly HexToken[]): LiteralDemand {
  return complete(shapeOfTokens(tokens, { nodes: MAX_NODES }, 0))
}

/** The demand of a text. */
export function literalsOfText(bytes: Uint8Array): LiteralDemand {
  return oneOf([foldedText(bytes)])
}

/** The bytes as characters 0 to 255, `A`–`Z` as `a`–`z`. */
export function foldedText(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(foldByte(bytes[i] as number))
  return text
}

function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
}

interface Budget {
  nodes: number
}

function shapeOfNode(node: RegexpNode, budget: Budget, depth: number): Shape {
  if (--budget.nodes < 0 || depth > MAX_DEPTH) return anything
  switch (node.kind) {
    case 'empty':
    case 'assertion':
      return empty
    case 'literal':
      return exactly([foldedText(node.bytes)])
    case 'set':
      return shapeOfClass((byte) => (((node.set[byte >> 3] as number) >> (byte & 7)) & 1) === 1)
    case 'sequence':
      return node.items.reduce((shape, item) => followedBy(shape, shapeOfNode(item, budget, depth + 1)), empty)
    case 'alternatives':
      return alternatives(node.options.map((option) => shapeOfNode(option, budget, depth + 1)))
    case 'repeat':
      return repeated(shapeOfNode(node.item, budget, depth + 1), node.min, node.max)
    default:
      return anything
  }
}

function shapeOfTokens(tokens: readonly HexToken[], budget: Budget, depth: number): Shape {
  if (depth > MAX_DEPTH) return anything
  let shape = empty
  // Runs of plain bytes are joined before anything is crossed: crossing byte by byte costs the square of the length.
  let run = ''
  for (const token of tokens) {
    if (--budget.nodes < 0) return followedBy(followedBy(shape, exactly([run])), anything)
    if (token.kind === 'byte' && token.mask === 0xff && !token.negated) {
      run += String.fromCharCode(foldByte(token.value))
      continue
    }
    if (run !== '') shape = followedBy(shape, exactly([run]))
    run = ''
    shape = followedBy(shape, shapeOfToken(token, budget, depth))
  }
  return run === '' ? shape : followedBy(shape, exactly([run]))
}

function shapeOfToken(token: HexToken, budget: Budget, depth: number): Shape {
  switch (token.kind) {
    case 'byte':
      return token.negated || token.mask === 0 ? anything : shapeOfClass((byte) => (byte & token.mask) === token.value)
    case 'alternatives':
      return alternatives(token.options.map((option) => shapeOfTokens(option, budget, depth + 1)))
    default:
      return anything
  }
}

function shapeOfClass(includes: (byte: number) => boolean): Shape {
  const members = new Set<string>()
  for (let byte = 0; byte < 256; byte++) {
    if (!includes(byte)) continue
    members.add(String.fromCharCode(foldByte(byte)))
    if (members.size > MAX_CLASS) return anything
  }
  // A class without members matches nothing at all; leaving that undecided is the safe side.
  return members.size === 0 ? anything : exactly([...members])
}

function followedBy(left: Shape, right: Shape): Shape {
  // Gaps are most of many hex strings.
  if (right === anything && left.exact === null && left.suffix[0] === '') return left
  const seam = crossed(left.suffix, right.prefix)
  if (left.exact !== null && right.exact !== null) {
    if (seam !== null) return exactly(seam)
    return { exact: null, prefix: left.exact, suffix: right.exact, demand: bridge(left.exact, right.exact) }
  }
  if (left.exact !== null) {
    if (seam !== null) return { ...right, prefix: seam }
    const demand = both(oneOf(right.prefix), bridge(left.exact, right.prefix), right.demand)
    return { exact: null, prefix: left.exact, suffix: right.suffix, demand }
  }
  if (right.exact !== null) {
    if (seam !== null) return { ...left, suffix: seam }
    const demand = both(left.demand, oneOf(left.suffix), bridge(left.suffix, right.exact))
    return { exact: null, prefix: left.prefix, suffix: right.exact, demand }
  }
  const between =
    seam !== null ? oneOf(seam) : both(oneOf(left.suffix), oneOf(right.prefix), bridge(left.suffix, right.prefix))
  return {
    exact: null,
    prefix: left.prefix,
    suffix: right.suffix,
    demand: both(left.demand, between, right.demand),
  }
}

/** The windows across a seam whose sides are too many to be crossed whole. */
function bridge(left: readonly string[], right: readonly string[]): LiteralDemand {
  const seam = crossed(ends(left), starts(right))
  return seam === null ? nothing : oneOf(seam)
}

function alternatives(options: readonly Shape[]): Shape {
  if (options.length === 0) return anything
  if (options.length === 1) return options[0] as Shape
  if (options.every((option) => option.exact !== null)) {
    const union = withoutDoubles(options.flatMap((option) => option.exact ?? []))
    if (fits(union)) return exactly(union)
  }
  const prefix = starts(options.flatMap((option) => option.prefix))
  const suffix = ends(options.flatMap((option) => option.suffix))
  return {
    exact: null,
    prefix: fits(prefix) ? prefix : [''],
    suffix: fits(suffix) ? suffix : [''],
    demand: either(options.map(complete)),
  }
}

function repeated(item: Shape, min: number, max: number | null): Shape {
  if (max === 0) return empty
  if (min <= 0) return max === 1 && item.exact !== null ? alternatives([empty, item]) : anything
  let shape = item
  let copies = 1
  // Copies beyond the first few only repeat what is demanded already.
  while (copies < min && copies < 4) {
    shape = followedBy(shape, item)
    copies++
  }
  if (max === copies) return shape
  // Whatever comes in between, the last copy still ends the match.
  return followedBy(followedBy(shape, anything), { ...item, exact: null, demand: nothing, prefix: [''] })
}

function complete(shape: Shape): LiteralDemand {
  return shape.exact !== null ? oneOf(shape.exact) : both(oneOf(shape.prefix), shape.demand, oneOf(shape.suffix))
}

function exactly(strings: readonly string[]): Shape {
  return { exact: strings, prefix: strings, suffix: strings, demand: nothing }
}

function oneOf(literals: readonly string[]): LiteralDemand {
  return literals.some((literal) => literal.length < SHORTEST) ? nothing : { kind: 'oneOf', literals }
}

function both(...parts: LiteralDemand[]): LiteralDemand {
  if (parts.every((part) => part.kind === 'nothing')) return nothing
  const demands = parts.flatMap((part) => (part.kind === 'and' ? part.parts : part.kind === 'nothing' ? [] : [part]))
  if (demands.length === 0) return nothing
  if (demands.length === 1) return demands[0] as LiteralDemand
  return { kind: 'and', parts: demands.length <= MAX_PARTS ? demands : demands.slice(0, MAX_PARTS) }
}

function either(parts: readonly LiteralDemand[]): LiteralDemand {
  return parts.some((part) => part.kind === 'nothing') ? nothing : { kind: 'or', parts }
}

/** Every string of the left followed by every string of the right; null when those are too many. */
function crossed(left: readonly string[], right: readonly string[]): readonly string[] | null {
  if (left.length * right.length > MAX_SET) return null
  const strings = withoutDoubles(left.flatMap((start) => right.map((end) => start + end)))
  return fits(strings) ? strings : null
}

function fits(strings: readonly string[]): boolean {
  if (strings.length > MAX_SET) return false
  let characters = 0
  for (const string of strings) characters += string.length
  return characters <= MAX_SET_CHARACTERS
}

function starts(strings: readonly string[]): readonly string[] {
  return withoutDoubles(strings.map((string) => string.slice(0, SEAM)))
}

function ends(strings: readonly string[]): readonly string[] {
  return withoutDoubles(strings.map((string) => string.slice(-SEAM)))
}

function withoutDoubles(strings: readonly string[]): readonly string[] {
  return strings.length < 2 ? strings : [...new Set(strings)]
}
