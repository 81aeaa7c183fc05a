/**
 * A check that cannot fail proves nothing. Here each layer of the index is broken in turn, in the way in which such code
 * breaks, and the check of `missed-matches.ts` has to name missed matches; with all layers as they are it names none.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { noteText } from '../../src/index/fixtures.ts'
import {
  bitOf,
  type Channel,
  ENTRY_WORD,
  gramHash,
  HEAD_BYTES,
  hasWords,
  LONG_BYTES,
  longGramHash,
  noProgram,
  nothingKnown,
  type ProgramField,
  placeOf,
  type SampleDigests,
  SignatureView,
  sign,
  writeSegment,
} from '../../src/index/index.ts'
import {
  BLOCK_BYTES,
  DIRECTORY_ENTRY_BYTES,
  decodeDirectory,
  decodeHeader,
  encodeHeader,
  SEGMENT_HEADER_BYTES,
  sectionOffsets,
} from '../../src/index/segment-format.ts'
import { encodeSignature } from '../../src/index/signature.ts'
import { TEXT_FROM } from '../../src/index/signing.ts'
import { type Plan, planRuleset } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'
import { folderWith } from '../cli/running.ts'
import { engineFactsOf } from '../planner/engine.ts'
import { ENTRY_OFFSET, importingExecutable, portableExecutable } from '../planner/portable-executable.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { type CutRule, cutRule, stringKinds } from './cut-rules.ts'
import { asBuilt, Corpus, type Layers, missedMatches } from './missed-matches.ts'
import { drawFiles, readAll } from './real-files.ts'

const MEGABYTES = 10
/** Of the files that the breaks are tried on; every break shows itself in the samples that are made for it. */
const BROKEN_MEGABYTES = 1
const RULES_OF_EACH_KIND = 20

let samples: Buffer[]
let rules: CutRule[]
let corpus: Corpus
/** What the breaks are tried on: fewer files. */
let small: Corpus
let seed: number

before(() => {
  seed = chosenSeed()
  console.log(`seed: ${seed}`)
  const random = randomFrom(seed)
  const files = readAll(drawFiles(random, MEGABYTES))
  const utf16 = Array.from({ length: 4 }, () => Buffer.from(random.pick(files).toString('latin1', 0, 5_000), 'utf16le'))
  const base64 = Array.from({ length: 4 }, () => Buffer.from(random.pick(files).toString('base64', 0, 5_000)))
  const large = largeSample(files)
  samples = [...files, ...utf16, ...base64, large]
  rules = stringKinds.flatMap((kind) => {
    const origins = kind === 'wide' ? utf16 : kind === 'base64' ? base64 : files
    const found: CutRule[] = []
    for (let tries = 0; found.length < RULES_OF_EACH_KIND && tries < 50 * RULES_OF_EACH_KIND; tries++) {
      const rule = cutRule(`${kind}_${found.length}`, kind, random.pick(origins), random)
      if (rule !== null) found.push(rule)
    }
    return found
  })
  const made = selectiveRules(random.bytes(2_000))
  const long = selectiveInLarge(large)
  const program = signerRules()
  const header = programRules()
  samples.push(made.sample, program.sample, header.sample)
  rules.push(...made.rules, ...long, ...program.rules, ...header.rules)
  assert.ok(
    samples.length >= 20 && rules.length >= 6 * RULES_OF_EACH_KIND,
    `${samples.length} samples, ${rules.length} rules`,
  )
  corpus = new Corpus(samples, rules)
  const others = new Set<Uint8Array>(files)
  let left = BROKEN_MEGABYTES * 1e6
  for (const file of files) {
    if (file.length > left) continue
    left -= file.length
    others.delete(file)
  }
  small = corpus.only((sample) => !others.has(sample))
})

test('as they are built, the layers miss nothing, and rule most of it out', (t) => {
  const { matches, candidates, missed } = missedMatches(corpus, asBuilt, folderWith(t))
  assert.deepEqual(missed, [], `seed ${seed}`)
  assert.ok(matches >= rules.length * 0.8, `only ${matches} matches of ${rules.length} rules`)
  const all = samples.length * rules.length
  assert.ok(candidates < all / 3, `${candidates} of ${all} pairs are candidates: nothing is ruled out`)
  t.diagnostic(`seed ${seed}: ${all} pairs, ${candidates} candidates, ${matches} matches, none missed`)
})

test('the obvious way to sign, which the next tests break, gives the same signatures as the real one', () => {
  for (const sample of [...samples.slice(0, 20), ...samples.filter(({ length }) => length >= TEXT_FROM)]) {
    // Compared as buffers: the difference of large arrays takes minutes to print.
    const [obvious, real] = [obviouslySigned({})(sample, noDigests), sign(sample, noDigests)]
    assert.ok(Buffer.compare(obvious, real) === 0, `seed ${seed}: ${sample.length} bytes`)
  }
})

const breaks: Readonly<Record<string, Partial<Layers>>> = {
  'a window that crosses the border of two chunks is forgotten': {
    sign: obviouslySigned({ drops: (at) => at % 256 > 252 }),
  },
  'the last window of a sample is forgotten': { sign: obviouslySigned({ drops: (at, size) => at > size - 64 }) },
  'the letter E is not folded': {
    sign: obviouslySigned({ folds: (byte) => byte >= 0x41 && byte <= 0x5a && byte !== 0x45 }),
  },
  'letters are folded up to T only': { sign: obviouslySigned({ folds: (byte) => byte >= 0x41 && byte <= 0x54 }) },
  'UTF-16 text is seen at even offsets only': { sign: obviouslySigned({ dropsWide: (at) => at % 2 === 0 }) },
  'text windows that cross the border of two chunks are forgotten': {
    sign: obviouslySigned({ dropsText: (at) => at % 256 > 250 }),
  },
  'the last text window of a sample is forgotten': {
    sign: obviouslySigned({ dropsText: (at, size) => at > size - 64 }),
  },
  'text windows of UTF-16 text are seen at even offsets only': {
    sign: obviouslySigned({ dropsWideText: (at) => at % 2 === 1 }),
  },
  'a sample is said to have text windows, and has none': {
    sign: obviouslySigned({ dropsText: () => true, dropsWideText: () => true }),
  },
  'plans ask for the text windows of another string': {
    plan: changedPlan((plan) =>
      plan.kind === 'grams' ? { ...plan, textHashes: plan.textHashes.map((hash) => ~hash) } : plan,
    ),
  },
  'words that cross the border of two chunks are forgotten': {
    sign: obviouslySigned({ dropsWord: (at) => at % 256 > 246 }),
  },
  'the last words of a sample are forgotten': { sign: obviouslySigned({ dropsWord: (at, size) => at > size - 40 }) },
  'words of UTF-16 text are seen at even offsets only': {
    sign: obviouslySigned({ dropsWord: (at, _size, channel) => channel === 'wide' && at % 2 === 1 }),
  },
  'plans ask for the words of another string': {
    plan: changedPlan((plan) =>
      plan.kind === 'grams' ? { ...plan, wordHashes: plan.wordHashes.map((hash) => ~hash) } : plan,
    ),
  },
  'plans take every text for a whole word': { plan: planRulesetAsWholeWords },
  'long windows, of older versions, that cross the border of two chunks are forgotten': {
    sign: obviouslySigned({ isOlder: true, dropsLong: (at) => at % 256 > 250 }),
  },
  'the last long window of a sample is forgotten': {
    sign: obviouslySigned({ isOlder: true, dropsLong: (at, size) => at > size - 64 }),
  },
  'long windows of UTF-16 text are seen at even offsets only': {
    sign: obviouslySigned({ isOlder: true, dropsLongWide: (at) => at % 2 === 1 }),
  },
  'a sample is said to have long windows, and has none': {
    sign: obviouslySigned({ isOlder: true, dropsLong: () => true, dropsLongWide: () => true }),
  },
  'plans ask for the long windows of another string': {
    sign: obviouslySigned({ isOlder: true }),
    plan: changedPlan((plan) =>
      plan.kind === 'grams' ? { ...plan, longGrams: plan.longGrams.map((gram) => gram + 2 ** 40) } : plan,
    ),
  },
  'the program of a sample is forgotten': {
    sign: (sample, digests) => sign(sample, digests, { ...engineFactsOf(sample), program: new Uint32Array(0) }),
  },
  'a field of a program has another value': { sign: signedWith('number_of_sections', (value) => value + 1) },
  'a field of a program has no value': { sign: signedWith('timestamp', () => 'undefined') },
  'yes of a program is no': { sign: signedWith('is_32bit()', (value) => 1 - value) },
  'the import hash is of another program': { sign: signedWith('imphash()', (value) => value ^ 1) },
  'the entry point is another': { sign: signedWith('entry_point', (value) => value + 2 ** 20) },
  'bytes at the entry point are lost': {
    sign: (sample, digests) => {
      const facts = engineFactsOf(sample)
      return sign(sample, digests, { ...facts, program: facts.program?.fill(0, ENTRY_WORD) ?? null })
    },
  },
  'plans take the contrary of a number for the number': {
    plan: changedPlan((plan) =>
      plan.kind === 'fact' && plan.fact.kind === 'program'
        ? { ...plan, fact: { ...plan.fact, min: plan.fact.max + 1, max: 2 ** 32 - 1 } }
        : plan,
    ),
  },
  'plans forget that a field may have no value': {
    plan: changedPlan((plan) =>
      plan.kind === 'fact' && plan.fact.kind === 'program'
        ? { ...plan, fact: { ...plan.fact, orUndefined: false } }
        : plan,
    ),
  },
  'a signer of a program is forgotten': { sign: (sample, digests) => sign(sample, digests, noProgram) },
  'every 50th row of a segment is lost, and all checksums are right': {
    write(path, signed) {
      writeSegment(path, signed)
      changeBits(
        path,
        (row) => row % 50 === 0,
        () => 0,
      )
    },
  },
  'rows of a segment are flipped, and all checksums are right': {
    write(path, signed) {
      writeSegment(path, signed)
      changeBits(
        path,
        (row) => row % 50 === 0,
        (byte) => byte ^ 0xff,
      )
    },
  },
  'plans lose the first branch of an or': {
    plan: changedPlan((plan) => (plan.kind === 'or' ? { ...plan, parts: plan.parts.slice(1) } : plan)),
  },
  'plans take an or for an and': {
    plan: changedPlan((plan) => (plan.kind === 'or' ? { ...plan, kind: 'and' } : plan)),
  },
  'plans ask for one string more than the rule': {
    plan: changedPlan((plan) => (plan.kind === 'atLeast' ? { ...plan, count: plan.count + 1 } : plan)),
  },
  'plans ask for the grams of another string': {
    plan: changedPlan((plan) =>
      plan.kind === 'grams' ? { ...plan, grams: plan.grams.map((gram) => gram ^ 0x01000000) } : plan,
    ),
  },
  'plans are one byte off with sizes': {
    plan: changedPlan((plan) =>
      plan.kind === 'fact' && plan.fact.kind === 'size'
        ? { ...plan, fact: { ...plan.fact, max: plan.fact.max - 1 } }
        : plan,
    ),
  },
}

for (const [what, broken] of Object.entries(breaks)) {
  test(`the check goes red when ${what}`, (t) => {
    const { missed } = missedMatches(small, { ...asBuilt, ...broken }, folderWith(t))
    assert.ok(missed.length > 0, `seed ${seed}: nothing was missed`)
    t.diagnostic(`${missed.length} missed, for example ${missed[0]}`)
  })
}

/**
 * A sample and rules in which every break shows itself, whatever was drawn at random: letters of both cases, UTF-16 text
 * at an odd offset, strings across every 256th byte and at the very end.
 */
function selectiveRules(bytes: Uint8Array): { readonly sample: Buffer; readonly rules: CutRule[] } {
  const sentence = 'THE FIVE BEES NEVER SLEEP WHERE SHEEP SEEK SEVEN WIZARDS'
  const words = 'quick foxes jump over lazy dogs'
  const sample = Buffer.from(bytes)
  sample.write(sentence, 20, 'latin1')
  sample.write(words, 101, 'utf16le')
  // Several of each: both bits of one word may be there by chance.
  const acrossWords = [256, 512, 768, 1024].map((border) => `aCross${border}`)
  for (const [n, word] of acrossWords.entries()) sample.write(` ${word} `, 256 * n + 249, 'latin1')
  const lastWords = ['thEvE', 'rYlaS', 'tWorD', 'oFitA', 'lLisS', 'aiDnO']
  const end = ` ${lastWords.join(' ')}`
  sample.write(end, sample.length - end.length, 'latin1')
  const whole = (words: readonly string[]) => words.map((word, n) => `$w${n} = "${word}" fullword`).join(' ')
  const hex = (from: number, to: number) => `{ ${sample.toString('hex', from, to).replace(/../g, '$& ')}}`
  const borders = [256, 512, 768, 1024, 1280, 1536, 1792]
  const acrossBorders = borders.map((at, n) => `$s${n} = ${hex(at - 6, at + 6)}`).join(' ')
  const absent = '{ 00 11 22 33 44 55 66 77 88 99 AA BB CC DD }'
  const two = `$a = ${hex(300, 316)} $b = ${hex(400, 416)}`
  const rule = (name: string, strings: string, condition: string): CutRule => ({
    name,
    kind: 'text',
    text: `rule ${name} { strings: ${strings} condition: ${condition} }`,
  })
  return {
    sample,
    rules: [
      rule('folded', `$a = "${sentence.toLowerCase()}" nocase`, '$a'),
      rule('in_utf16', `$a = "${words}" wide`, '$a'),
      rule('across_borders', acrossBorders, 'all of them'),
      rule('at_the_end', `$a = ${hex(sample.length - 20, sample.length)}`, '$a'),
      rule('two_of_three', `${two} $c = ${absent}`, '2 of them'),
      rule('the_first', `$a = ${hex(300, 316)} $c = ${absent}`, '$a or $c'),
      rule('the_last', `$a = ${hex(300, 316)} $c = ${absent}`, '$c or $a'),
      rule(
        'in_words',
        `${words
          .split(' ')
          .map((word, n) => `$w${n} = "${word}" wide fullword`)
          .join(' ')}`,
        'all of them',
      ),
      rule('part_of_words', '$a = "EVEN WIZ"', '$a'),
      rule('across_words', whole(acrossWords), 'all of them'),
      rule('last_words', whole(lastWords), 'all of them'),
      rule('of_size', two, `all of them and filesize <= ${sample.length}`),
    ],
  }
}

/** A sample that has its long windows in the index, made of real files. */
function largeSample(files: readonly Buffer[]): Buffer {
  const sample = Buffer.alloc(TEXT_FROM + 4_099, ' a line of text like any other\n')
  let filled = 0
  for (const file of files.filter(({ length }) => length < 100_000))
    filled += file.copy(sample, filled, 0, 400_000 - filled)
  return sample
}

/** Rules of strings of six bytes and more in a large sample, which is written to: the breaks show themselves here. */
function selectiveInLarge(sample: Buffer): CutRule[] {
  const words = 'Quick Foxes Jump Over Lazy Dogs'
  // Six bytes of the first three are before a border, and six and more behind it.
  const places = [600_314, 600_570, 600_826, sample.length - 40]
  const texts = places.map((at, n) => {
    const text = `string ${n} Across A Border`
    sample.write(text, at, 'latin1')
    return text
  })
  sample.write(words, 700_001, 'utf16le')
  sample.write('the very end', sample.length - 12, 'latin1')
  const rule = (name: string, strings: string): CutRule => ({
    name,
    kind: 'text',
    text: `rule ${name} { strings: ${strings} condition: all of them }`,
  })
  return [
    rule('large_texts', texts.map((text, n) => `$s${n} = ${JSON.stringify(text.toUpperCase())} nocase`).join(' ')),
    rule('large_wide', `$a = "${words}" wide`),
    rule('large_end', '$a = "the very end"'),
    rule('large_hex', `$a = { ${sample.toString('hex', 600_314, 600_326).replace(/../g, '$& ')} }`),
  ]
}

function signerRules(): { readonly sample: Buffer; readonly rules: CutRule[] } {
  const certificate = { serial: Uint8Array.of(1, 2), subject: 'AND LLC', notAfter: 1408182400 }
  const text = 'import "pe" rule signed { condition: for any s in pe.signatures : ( s.serial == "01:02" ) }'
  return {
    sample: Buffer.from(portableExecutable(Buffer.from('some program'), certificate)),
    rules: [{ name: 'signed', kind: 'text', text }],
  }
}

function programRules(): { readonly sample: Buffer; readonly rules: CutRule[] } {
  const sample = Buffer.from(importingExecutable('KERNEL32.dll', ['ExitProcess', 'VirtualAlloc']))
  sample.write('the code', ENTRY_OFFSET, 'latin1')
  const rule = (name: string, condition: string): CutRule => ({
    name,
    kind: 'text',
    text: `import "pe" rule ${name} { strings: $code = "the code" condition: ${condition} and #code < 9 }`,
  })
  return {
    sample,
    rules: [
      rule('sections', 'pe.number_of_sections == 1'),
      rule('sections_not', 'not pe.number_of_sections > 1'),
      rule('timestamp', 'pe.timestamp < 5'),
      rule('is_32bit', 'pe.is_32bit() and not pe.is_dll()'),
      rule('imports', 'pe.imphash() == "b547b1487151c8557bcbc6c24574ec6b"'),
      rule('code', '$code at pe.entry_point'),
      // Of a file that is no program, no field has a value.
      rule('no_program', 'not (pe.timestamp > 5 and true)'),
    ],
  }
}

/** The real signature, but for one field. */
function signedWith(field: ProgramField, change: (value: number) => number | 'undefined'): Layers['sign'] {
  const { word, bit } = placeOf(field)
  return (sample, digests) => {
    const facts = engineFactsOf(sample)
    const program = facts.program?.slice() ?? null
    if (program !== null && program.length > 0) {
      const value = change(program[word] as number)
      if (value === 'undefined') program[1] = (program[1] as number) | bit
      else program[word] = value
    }
    return sign(sample, digests, { ...facts, program })
  }
}

/** As if every text were `fullword`. */
function planRulesetAsWholeWords(text: string): ReturnType<Layers['plan']> {
  const file = parse(text)
  const rules = file.rules.map((rule) => ({
    ...rule,
    strings: rule.strings.map((string) => ({ ...string, modifiers: { ...string.modifiers, fullword: true } })),
  }))
  return planRuleset({ ...file, rules })
}

const noDigests: SampleDigests = { md5: new Uint8Array(16), sha1: new Uint8Array(20), sha256: new Uint8Array(32) }

interface Faults {
  /** Windows that are left out, by their offset. */
  readonly drops?: (at: number, size: number) => boolean
  readonly dropsWide?: (at: number) => boolean
  readonly dropsText?: (at: number, size: number) => boolean
  readonly dropsWideText?: (at: number) => boolean
  readonly dropsWord?: (at: number, size: number, channel: Channel) => boolean
  /** As versions 3 and 4 have it: long windows in large samples, no text windows and no words. */
  readonly isOlder?: boolean
  readonly dropsLong?: (at: number, size: number) => boolean
  readonly dropsLongWide?: (at: number) => boolean
  /** Which bytes are folded to lower case. */
  readonly folds?: (byte: number) => boolean
}

/** Signing one window at a time, with the size of the real signature. */
function obviouslySigned({
  drops = () => false,
  dropsWide = () => false,
  dropsText = () => false,
  dropsWideText = () => false,
  dropsWord = () => false,
  isOlder = false,
  dropsLong = () => false,
  dropsLongWide = () => false,
  folds = (byte) => byte >= 0x41 && byte <= 0x5a,
}: Faults): Layers['sign'] {
  return (sample, digests) => {
    const { bits, kind: newest } = SignatureView.of(sign(sample, digests))
    const hasLong = isOlder && newest === 'text'
    const kind = isOlder ? (hasLong ? 'long' : 'short') : newest
    const bytes = new Uint8Array(bits / 8)
    const folded = sample.map((byte) => (folds(byte) ? byte + 0x20 : byte))
    const mark = (channel: Channel, at: number, step: number) => {
      const gram =
        ((folded[at] as number) |
          ((folded[at + step] as number) << 8) |
          ((folded[at + 2 * step] as number) << 16) |
          ((folded[at + 3 * step] as number) << 24)) >>>
        0
      set(gramHash(channel, gram))
    }
    const markLong = (channel: Channel, at: number, step: number) => {
      let gram = 0
      for (let i = LONG_BYTES - 1; i >= 0; i--) gram = gram * 256 + (folded[at + i * step] as number)
      set(longGramHash(channel, gram))
    }
    const set = (hash: number) => {
      const bit = bitOf(hash, bits)
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7))
    }
    const isWide = (at: number, characters: number) => {
      for (let i = 0; i < characters; i++) if (folded[at + 2 * i + 1] !== 0) return false
      return true
    }
    for (let at = 0; at + 4 <= folded.length; at++) {
      if (drops(at, folded.length)) continue
      mark('plain', at, 1)
      if (at + 8 <= folded.length && isWide(at, 4) && !dropsWide(at)) mark('wide', at, 2)
      if (!hasLong) continue
      if (at + LONG_BYTES <= folded.length && !dropsLong(at, folded.length)) markLong('plain', at, 1)
      const end = at + 2 * LONG_BYTES
      if (end <= folded.length && isWide(at, LONG_BYTES) && !dropsLongWide(at)) markLong('wide', at, 2)
    }
    noteText(folded, {
      text(channel, hash, at) {
        const isDropped = channel === 'wide' ? dropsWideText(at) : dropsText(at, folded.length)
        if (kind === 'text' && !isDropped) set(hash)
      },
      word(channel, hash, at) {
        if (hasWords(kind) && !dropsWord(at, folded.length, channel)) set(hash)
      },
    })
    return encodeSignature({
      ...digests,
      size: sample.length,
      head: sample.subarray(0, HEAD_BYTES),
      bytes,
      kind,
      ...nothingKnown,
    })
  }
}

/** Changes rows of the transposed groups, and makes all checksums anew. */
function changeBits(path: string, isRow: (row: number) => boolean, change: (byte: number) => number): void {
  const file = readFileSync(path)
  const header = decodeHeader(file.subarray(0, SEGMENT_HEADER_BYTES), path)
  const body = file.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + header.bodyBytes)
  const groups = decodeDirectory(body.subarray(0, header.groups * DIRECTORY_ENTRY_BYTES), path)
  const { bits: starts } = sectionOffsets(header, groups)
  for (const [g, { layout, bits, count }] of groups.entries()) {
    // A loose signature's bits lie side by side: every byte is eight rows.
    const rowBytes = layout === 'transposed' ? Math.ceil(count / 8) : count / 8
    const length = layout === 'unfiltered' ? 0 : bits * rowBytes
    for (let at = 0; at < length; at++) {
      if (!isRow(layout === 'transposed' ? Math.floor(at / rowBytes) : at)) continue
      const place = (starts[g] as number) + at
      body[place] = change(body[place] as number)
    }
  }
  const table = Buffer.alloc(4 * Math.ceil(body.length / BLOCK_BYTES))
  for (let block = 0; block * BLOCK_BYTES < body.length; block++) {
    table.writeUInt32LE(crc32(body.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)), 4 * block)
  }
  const head = encodeHeader({ ...header, checksumOfChecksums: crc32(table) })
  writeFileSync(path, Buffer.concat([head, body, table]))
}

/** Plans with every part changed, from the leaves up. */
function changedPlan(change: (plan: Plan) => Plan): Layers['plan'] {
  const walk = (plan: Plan): Plan => change('parts' in plan ? { ...plan, parts: plan.parts.map(walk) } : plan)
  return (text) => {
    const ruleset = planRuleset(parse(text))
    return { ...ruleset, plan: walk(ruleset.plan) }
  }
}
