/**
 * Small samples made by the bench: programs with a Windows header, scripts and notes of 200 to 4,000 bytes, the same for
 * the same seed. Some carry the string of a ruleset that is made along with them, so what a hunt must find is known.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface PlantedRuleset {
  readonly name: string
  readonly content: string
  /** Of the rule in it. */
  readonly rule: string
  readonly bytes: Buffer
  /** Planted in each sample whose number leaves `first` when divided by `every`. */
  readonly every: number
  readonly first: number
}

const PER_FOLDER = 1_000
const POOL = 1 << 22
const SMALLEST = 200
const LARGEST = 4_000
const WORDS =
  'user path open file read write const return value string error begin server client network config update registry service handle process thread memory system window event socket report install remove local remote length buffer'.split(
    ' ',
  )

/** From one that is in a few samples to one that is in one of fifty. */
const EVERY = [50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50]

export function plantedRulesets(seed: string): readonly PlantedRuleset[] {
  return EVERY.map((every, n) => {
    const drawn = createHash('sha256').update(`${seed} planted ${n}`).digest()
    const word = drawn.toString('hex', 0, 8)
    const rule = `planted_${n}`
    const forms = [
      { string: `{ ${drawn.toString('hex', 0, 12)} }`, bytes: drawn.subarray(0, 12) },
      { string: `"${word}"`, bytes: Buffer.from(word) },
      { string: `"${word}" wide`, bytes: Buffer.from(word, 'utf16le') },
    ]
    const { string, bytes } = forms[n % forms.length] as (typeof forms)[number]
    const content = `rule ${rule} { strings: $a = ${string} condition: $a }`
    return { name: `${rule}.yar`, content, rule, bytes, every, first: drawn.readUInt16LE(20) % every }
  })
}

/** Writes the samples below `folder`. Returns their bytes, and the pairs `rule<TAB>sha256` that were planted. */
export function makeSamples(
  folder: string,
  {
    count,
    seed,
    planted,
  }: { readonly count: number; readonly seed: string; readonly planted: readonly PlantedRuleset[] },
): { readonly bytes: number; readonly pairs: ReadonlySet<string> } {
  const random = randomNumbers(seed)
  const noise = Buffer.alloc(POOL)
  for (let at = 0; at < POOL; at += 4) noise.writeUInt32LE(random(), at)
  // Code and tables repeat few byte values; text repeats words.
  const code = Buffer.from(noise.map((byte) => (byte < 96 ? 0 : byte < 128 ? 0x48 : byte & 0x8f)))
  const text = Buffer.alloc(POOL)
  for (let at = 0; at < POOL; )
    at += text.write(`${WORDS[random() % WORDS.length]}${random() % 9 === 0 ? '\n' : ' '}`, at)
  const pairs = new Set<string>()
  let bytes = 0
  for (let n = 0; n < count; n++) {
    const kind = random() % 3
    const size = SMALLEST + (random() % (LARGEST - SMALLEST))
    const sample = Buffer.alloc(size)
    const source = kind === 0 ? code : text
    source.copy(sample, 0, random() % (POOL - size))
    if (kind === 0) writeHeader(sample)
    else sample.write(`${kind === 1 ? '#!/bin/sh\n' : ''}note ${n}\n`)
    sample.writeUInt32LE(n, 100)
    let at = 110
    const rules: string[] = []
    for (const one of planted) {
      if (n % one.every !== one.first) continue
      at += one.bytes.copy(sample, at, 0, size - at)
      rules.push(one.rule)
    }
    if (n % PER_FOLDER === 0) mkdirSync(join(folder, String(n / PER_FOLDER)), { recursive: true })
    writeFileSync(join(folder, String(Math.floor(n / PER_FOLDER)), `sample-${n}`), sample)
    bytes += size
    if (rules.length === 0) continue
    const sha256 = createHash('sha256').update(sample).digest('hex')
    for (const rule of rules) pairs.add(`${rule}\t${sha256}`)
  }
  return { bytes, pairs }
}

/** As much of a Windows program's header as file types are told by. */
function writeHeader(sample: Buffer): void {
  sample.fill(0, 0, 128)
  sample.write('MZ')
  sample.writeUInt32LE(64, 0x3c)
  sample.write('PE\0\0', 64)
  sample.writeUInt16LE(0x8664, 68)
  sample.writeUInt16LE(0x20b, 88)
}

/** 32-bit numbers, the same for the same seed. */
function randomNumbers(seed: string): () => number {
  const key = createHash('sha256').update(seed).digest()
  const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  let drawn = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === drawn.length) {
      drawn = stream.update(Buffer.alloc(1 << 16))
      at = 0
    }
    at += 4
    return drawn.readUInt32LE(at - 4)
  }
}
