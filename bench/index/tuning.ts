/**
 * How large should signatures be? For real files and real rules: the size of the index, and what each ruleset would
 * have to read, for several target fills, with sizes that are powers of two and with 3·2^k between them,
 * and for other hashes. `exact` is what
 * a perfect index of 4-grams would leave. The table is in docs/index-design.md.
 *
 *     node bench/index/tuning.ts ../shared/rules/reversinglabs FOLDER…
 */
import { readFileSync } from 'node:fs'
import { bitOf, type Channel, gramHash, HEAD_BYTES, nothingKnown, SignatureView, sign } from '../../src/index/index.ts'
import { mayMatch, type SampleSignature } from '../../src/planner/index.ts'
import { argumentsOf, digestsOf, filesUnder, plansUnder, quantile } from './material.ts'

const { rules, folders } = argumentsOf('bench/index/tuning.ts')
const plans = plansUnder(rules)
const files = filesUnder(folders)

/** A bit array that is far too large, so that its bits are nearly the windows themselves. */
const EXACT_BITS_A_BYTE = 16
const MOST_EXACT_BITS = 2 ** 31

type Hash = (channel: Channel, gram: number) => number

/**
 * The hashes compared, all as numbers whose top bits are used; `reversed` brings the low bits to the top. The first is
 * the product's.
 */
const hashes: readonly { readonly name: string; readonly hash: Hash }[] = [
  { name: 'one multiplication, top bits', hash: gramHash },
  {
    name: 'one multiplication, xor-shift, low bits',
    hash: (channel, gram) => reversed(shifted(seeded(channel, gram))),
  },
  {
    name: 'two multiplications, low bits',
    hash: (channel, gram) => {
      const once = seeded(channel, gram)
      return reversed(Math.imul(once ^ (once >>> 16), 0x85ebca6b))
    },
  },
]

const seeded = (channel: Channel, gram: number) => gramHash(channel, gram) | 0
const shifted = (word: number) => word ^ (word >>> 15)

function reversed(word: number): number {
  let bits = ((word >>> 1) & 0x55555555) | ((word & 0x55555555) << 1)
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2)
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4)
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8)
  return ((bits >>> 16) | (bits << 16)) >>> 0
}

interface Variant {
  readonly name: string
  readonly fill: number
  readonly thirds: boolean
  indexBytes: number
  readonly passed: Float64Array
}
const variant = (name: string, fill: number, thirds: boolean): Variant => ({
  name,
  fill,
  thirds,
  indexBytes: 0,
  passed: new Float64Array(plans.length),
})
const variants = [
  ...[0.3, 0.4, 0.5, 0.55, 0.6, 0.7].map((fill) => variant(`2^k, fill ≤ ${fill}`, fill, false)),
  ...[0.4, 0.5, 0.6].map((fill) => variant(`2^k and 3·2^k, fill ≤ ${fill}`, fill, true)),
]
const exact = variant('exact', 0, false)
const otherHashes = hashes.slice(1).map(({ name, hash }) => ({
  hash,
  variants: [0.4, 0.5, 0.6].map((fill) => variant(`${name}, fill ≤ ${fill}`, fill, false)),
}))

/** The hashes of all windows, each with `visit`: the obvious way, over and over. */
function eachHash(bytes: Uint8Array, hash: Hash, visit: (hash: number) => void): void {
  const at = (i: number) => {
    const byte = bytes[i] as number
    return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
  }
  for (let i = 0; i + 4 <= bytes.length; i++) {
    visit(hash('plain', at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24)))
    if (bytes[i + 1] === 0 && bytes[i + 3] === 0 && bytes[i + 5] === 0 && bytes[i + 7] === 0)
      visit(hash('wide', at(i) | (at(i + 2) << 8) | (at(i + 4) << 16) | (at(i + 6) << 24)))
  }
}

/** The bit for a hash among 3·2^k: the hash as a fraction of 2^32, of them. */
function bitInThirds(hash: number, bits: number): number {
  return Math.floor((hash * bits) / 2 ** 32)
}

class BitSet {
  readonly words: Int32Array
  set = 0
  constructor(bits: number) {
    this.words = new Int32Array(bits / 32)
  }
  add(bit: number): void {
    const word = this.words[bit >>> 5] as number
    if ((word & (1 << bit)) === 0) {
      this.words[bit >>> 5] = word | (1 << bit)
      this.set++
    }
  }
  get bits(): number {
    return this.words.length * 32
  }
  forEach(visit: (bit: number) => void): void {
    this.words.forEach((word, i) => {
      for (let rest = word; rest !== 0; rest &= rest - 1) visit(i * 32 + 31 - Math.clz32(rest & -rest))
    })
  }
  has(bit: number): number {
    return (this.words[bit >>> 5] as number) & (1 << bit)
  }
}

function powerOfTwo(wanted: number): number {
  return Math.min(MOST_EXACT_BITS, Math.max(64, 2 ** Math.ceil(Math.log2(wanted))))
}

/** The bit array of a sample at its largest, and every halving of it, each made from the one before. */
function halvingsOf(bytes: Uint8Array, hash: Hash): BitSet[] {
  let larger = new BitSet(powerOfTwo(EXACT_BITS_A_BYTE * bytes.length))
  const all = larger
  eachHash(bytes, hash, (value) => all.add(bitOf(value, all.bits)))
  const halvings = [all]
  while (larger.bits > 64) {
    const smaller = new BitSet(larger.bits / 2)
    larger.forEach((bit) => {
      smaller.add(bit >>> 1)
    })
    halvings.push(smaller)
    larger = smaller
  }
  return halvings
}

/** The smallest of the arrays that is not fuller than `fill`. */
function atMost(halvings: readonly BitSet[], fill: number): BitSet {
  return halvings.findLast(({ set, bits }) => set <= fill * bits) ?? (halvings[0] as BitSet)
}

let corpusBytes = 0
for (const path of files) {
  const bytes = readFileSync(path)
  corpusBytes += bytes.length
  const facts = {
    ...digestsOf(bytes),
    size: bytes.length,
    head: bytes.subarray(0, HEAD_BYTES),
    ...nothingKnown,
  }
  const judge = (of: Variant, bits: number, has: Hash) => {
    of.indexBytes += bits / 8
    const signature: SampleSignature = {
      ...facts,
      has: (channel, gram) => has(channel, gram) !== 0,
      hasLongGram: () => true,
      hasText: () => true,
      hasWord: () => true,
    }
    plans.forEach(({ ruleset }, i) => {
      if (mayMatch(ruleset.plan, signature)) of.passed[i] = (of.passed[i] as number) + bytes.length
    })
  }
  const halvings = halvingsOf(bytes, gramHash)
  const all = halvings[0] as BitSet
  judge(exact, 0, (channel, gram) => all.has(bitOf(gramHash(channel, gram), all.bits)))
  for (const of of variants) {
    const array = atMost(halvings, of.fill)
    const third = array.bits / 4
    if (of.thirds && third >= 32) {
      const thirds = new BitSet(3 * third)
      eachHash(bytes, gramHash, (hash) => thirds.add(bitInThirds(hash, thirds.bits)))
      if (thirds.set <= of.fill * thirds.bits) {
        judge(of, thirds.bits, (channel, gram) => thirds.has(bitInThirds(gramHash(channel, gram), thirds.bits)))
        continue
      }
    }
    judge(of, array.bits, (channel, gram) => array.has(bitOf(gramHash(channel, gram), array.bits)))
  }
  for (const { hash, variants } of otherHashes) {
    const arrays = halvingsOf(bytes, hash)
    for (const of of variants) {
      const array = atMost(arrays, of.fill)
      judge(of, array.bits, (channel, gram) => array.has(bitOf(hash(channel, gram), array.bits)))
    }
  }
  // The arrays of this bench against the signatures of the product, where their sizes agree: these have more windows.
  const view = SignatureView.of(sign(bytes, facts))
  const same = halvings.find(({ bits }) => bits === view.bits)
  if (
    same !== undefined &&
    new Uint8Array(same.words.buffer).some((byte, i) => (byte & ~(view.bytes[i] as number)) !== 0)
  )
    throw new Error(`${path}: the signature differs from the obvious one`)
}

console.log(`${files.length} files, ${(corpusBytes / 1e6).toFixed(0)} MB, ${plans.length} rulesets`)
console.log('variant | index % | read by a ruleset, % of the corpus: mean | median | p95 | rulesets that read nothing')
for (const of of [...variants, ...otherHashes.flatMap(({ variants }) => variants), exact]) {
  const shares = Array.from(of.passed, (bytes) => (bytes / corpusBytes) * 100)
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  console.log(
    [
      of.name,
      ((of.indexBytes / corpusBytes) * 100).toFixed(2),
      mean.toFixed(3),
      quantile(shares, 0.5).toFixed(3),
      quantile(shares, 0.95).toFixed(3),
      shares.filter((share) => share === 0).length,
    ].join(' | '),
  )
}
