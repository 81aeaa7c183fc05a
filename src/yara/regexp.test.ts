/**
 * The parsed language of a regular expression is held against the engine: a plain backtracking matcher walks the tree
 * over small samples and has to find what the engine finds.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { EngineWitness } from '../../test/yara/engine.ts'
import { pick, type Random, randomFrom, seedOfThisRun } from '../../test/yara/random.ts'
import { printRegexp } from './dump.fixture.ts'
import { parseRegexp } from './regexp.ts'
import type { RegexpNode } from './syntax.ts'

const engine = new EngineWitness()
after(() => engine.close())

const plain = { caseInsensitive: false, dotAll: false }

test('an expression nested beyond the budget is not known, and costs no stack', () => {
  assert.equal(parseRegexp(`${'('.repeat(200_000)}a${')'.repeat(200_000)}`, plain, 500), null)
  assert.equal(parseRegexp(`a${'+'.repeat(200_000)}`, plain, 500), null)
})

test('an expression of many braces that open nothing is read in linear time', () => {
  const started = performance.now()
  const node = parseRegexp('a{'.repeat(50_000), plain, 500)
  assert.equal(node?.kind, 'literal')
  assert.ok(performance.now() - started < 3_000)
})

test('an expression of many repetitions, one after the other, is not deep', () => {
  assert.equal(parseRegexp('a+'.repeat(1_000), plain, 500)?.kind, 'sequence')
})

test('what the engine refuses or this parser leaves out is not known', () => {
  const sources = [
    '(',
    'a)',
    '[a',
    '*a',
    'a|*',
    '\\1',
    '\\pL',
    '\\x4',
    '[é]',
    '[b-a]',
    '[\\w-z]',
    '(?=a)',
    '(?x)a b',
    '[a&&b]',
  ]
  for (const source of sources) assert.equal(parseRegexp(source, plain, 500), null, source)
})

test('the language of random expressions is the engine’s', async () => {
  const seed = seedOfThisRun()
  const random = randomFrom(seed)
  let known = 0
  let matched = 0
  for (let round = 0; round < 2_000 && known < 300; round++) {
    const flags = { caseInsensitive: random(4) === 0, dotAll: random(4) === 0 }
    // Short fixed text in front: the engine refuses expressions that begin with too little.
    const source = `abcd${randomExpression(random, 3)}`
    const letters = `${flags.caseInsensitive ? 'i' : ''}${flags.dotAll ? 's' : ''}`
    const rule = `rule a { strings: $a = /${source}/${letters} condition: $a }`
    const node = parseRegexp(source, flags, 500)
    if (node === null) continue
    const samples = ['abcd', 'ABcd', 'abcd'].map((head) => head + randomSample(random))
    // The engine overlooks `/abcd.?/` at the very end of a sample, so equality is asked for with something behind.
    const followed = samples.map((sample) => `${sample}##`)
    samples.push(...followed)
    const answer = await engine.ask(rule, samples)
    if (answer === null || !answer.accepted) continue
    known++
    // Inline flags are read as reaching further than they do.
    const isExact = !source.includes('(?')
    for (const [i, sample] of samples.entries()) {
      const expected: boolean = answer.matched[i] === true
      const found = search(node, Buffer.from(sample, 'latin1'))
      if (expected) matched++
      const about: string = `seed ${seed}: /${source}/${letters} on ${JSON.stringify(sample)}\n${printRegexp(node)}`
      if (expected || (isExact && followed.includes(sample))) assert.equal(found, expected, about)
    }
  }
  assert.ok(known === 300 && matched > 20, `seed ${seed}: only ${known} expressions and ${matched} matches`)
})

const pieces = [
  'a',
  'b',
  'ab',
  'c',
  '.',
  '\\d',
  '\\w',
  '\\s',
  '\\S',
  '[a-c]',
  '[^a]',
  '[]b]',
  '[a-]',
  '[[:alpha:]]',
  '[^[:digit:]]',
  '{',
  '}',
  '{2',
  '{x}',
  '{,2}',
  '\\x61',
  '\\x{62}',
  '\\g',
  '\\/',
  '\\.',
  'é',
  '\\n',
  '^',
  '$',
  '\\b',
  '\\B',
  '(?i)',
  '-',
  ']',
  '\\{',
]
const repetitions = [
  '',
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '*?',
  '+?',
  '{2}',
  '{1,2}',
  '{,2}',
  '{1,}',
  '{2,1}',
  '{0}',
  '{ 1 , 2 }',
  '{',
  '{{1}',
]

function randomExpression(random: Random, depth: number): string {
  let source = ''
  for (let i = 1 + random(3); i > 0; i--) {
    const kind = random(8)
    if (kind === 0 && depth > 0) source += `(${randomExpression(random, depth - 1)})`
    else if (kind === 1 && depth > 0) source += `(?i:${randomExpression(random, depth - 1)})`
    else if (kind === 2 && depth > 0)
      source += `(${randomExpression(random, depth - 1)}|${randomExpression(random, depth - 1)})`
    else source += pick(random, pieces)
    source += pick(random, repetitions)
  }
  return source
}

const alphabet = [
  'a',
  'b',
  'c',
  'A',
  'B',
  'g',
  '1',
  ' ',
  '\n',
  '{',
  '}',
  '2',
  '1',
  ',',
  'x',
  '-',
  ']',
  '.',
  '/',
  '\xc3\xa9',
  '',
]

function randomSample(random: Random): string {
  let sample = ''
  for (let i = random(8); i > 0; i--) sample += pick(random, alphabet)
  return sample
}

function search(node: RegexpNode, sample: Uint8Array): boolean {
  for (let at = 0; at <= sample.length; at++) if (matches(node, sample, at, () => true)) return true
  return false
}

/** Whether the node matches at a position so that what follows, `then`, matches too. */
function matches(node: RegexpNode, sample: Uint8Array, at: number, then: (at: number) => boolean): boolean {
  switch (node.kind) {
    case 'empty':
      return then(at)
    case 'literal': {
      const fits = node.bytes.every((byte, i) => same(byte, sample[at + i], node.nocase))
      return fits && then(at + node.bytes.length)
    }
    case 'set': {
      const byte = sample[at]
      return byte !== undefined && ((node.set[byte >> 3] as number) & (1 << (byte & 7))) !== 0 && then(at + 1)
    }
    case 'sequence': {
      const step = (i: number, from: number): boolean => {
        const item = node.items[i]
        return item === undefined ? then(from) : matches(item, sample, from, (next) => step(i + 1, next))
      }
      return step(0, at)
    }
    case 'alternatives':
      return node.options.some((option) => matches(option, sample, at, then))
    case 'repeat': {
      const step = (count: number, from: number): boolean => {
        if (count >= node.min && then(from)) return true
        if (count === node.max) return false
        // A round that matches nothing may still be needed to reach the minimum.
        return matches(node.item, sample, from, (next) => (next > from || count < node.min) && step(count + 1, next))
      }
      return step(0, at)
    }
    case 'assertion':
      return holds(node.assertion, sample, at) && then(at)
  }
}

function same(wanted: number, found: number | undefined, nocase: boolean): boolean {
  if (wanted === found) return true
  if (!nocase || found === undefined) return false
  const isLetter = (wanted | 0x20) >= 0x61 && (wanted | 0x20) <= 0x7a
  return isLetter && (wanted ^ 0x20) === found
}

function holds(assertion: string, sample: Uint8Array, at: number): boolean {
  const isWord = (byte: number | undefined) => byte !== undefined && /\w/.test(String.fromCharCode(byte))
  const isBoundary = isWord(sample[at - 1]) !== isWord(sample[at])
  if (assertion === '^' || assertion === '\\A') return at === 0
  if (assertion === '$' || assertion === '\\z') return at === sample.length
  return assertion === '\\b' ? isBoundary : !isBoundary
}
