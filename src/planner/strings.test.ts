import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../yara/index.ts'
import { base64Forms } from './base64.ts'
import { gramsOf } from './grams.ts'
import type { Plan } from './plan.ts'
import { anchoredStringPlan, stringPlan } from './strings.ts'

function stringOf(source: string) {
  const [string] = parse(`rule r { strings: $a = ${source} condition: $a }`).rules[0]?.strings ?? []
  assert.ok(string, source)
  return string
}

/** The grams of a plan as texts, best first, with `|` and `&` between literals; zero bytes as dots. */
function grams(plan: Plan): string {
  switch (plan.kind) {
    case 'grams': {
      const texts = Array.from(plan.grams, (gram) => {
        const bytes = [0, 8, 16, 24].map((shift) => (gram >>> shift) & 0xff)
        return bytes.map((byte) => (byte === 0 ? '.' : String.fromCharCode(byte))).join('')
      })
      return `${plan.channel === 'wide' ? 'wide ' : ''}${texts.sort().join(' ')}`
    }
    case 'and':
      return plan.parts.map(grams).join(' & ')
    case 'or':
      return plan.parts.map(grams).join(' | ')
    default:
      return plan.kind
  }
}

function check(table: readonly (readonly [string, string])[]): void {
  for (const [source, expected] of table) assert.equal(grams(stringPlan(stringOf(source))), expected, source)
}

test('a literal is asked for by its windows of four folded bytes', () => {
  check([
    ['"ABCdef"', 'abcd bcde cdef'],
    ['"abcdef" nocase', 'abcd bcde cdef'],
    ['"abcd" fullword', 'abcd'],
    ['"abc"', 'may'],
    ['{ 61 62 63 64 ?? 65 66 67 68 }', 'abcd & efgh'],
    ['/abcd.*(ef|gh)ij/', 'abcd & efij | ghij'],
    ['{ 61 62 4? 7B }', Array.from('@abcdefghijklmno', (letter) => `ab${letter}{`).join(' | ')],
  ])
})

test('a wide literal is asked for by its characters, and by its bytes where characters are few', () => {
  check([
    ['"abcde" wide', 'wide abcd bcde & .b.c .c.d .d.e a.b. b.c. c.d. d.e.'],
    ['"ab" wide', 'a.b.'],
    ['"a" wide', 'may'],
    ['"abcd" wide ascii', 'abcd | wide abcd & .b.c .c.d a.b. b.c. c.d.'],
    ['/ab[cd]e/ wide', 'wide abce & .b.c .c.e a.b. b.c. c.e. | wide abde & .b.d .d.e a.b. b.d. d.e.'],
  ])
  const long = stringPlan(stringOf('"a wide text that is long" wide'))
  assert.equal(long.kind === 'grams' && long.channel, 'wide')
})

test('xor is undone for every key before folding, over the zero bytes of wide strings too', () => {
  // 0x20 turns lower case into upper case, which folding turns back.
  check([
    ['"abcd" xor(32)', 'abcd'],
    ['"abcd" xor(1-2)', '`cbe | c`af'],
    ['"ab" xor(1) wide', '`\u0001c\u0001'],
    ['"abc" xor', 'may'],
  ])
  const all = stringPlan(stringOf('"some text" xor'))
  assert.equal(all.kind === 'or' && all.parts.length, 256)
})

test('base64 is asked for in three alignments, by the characters that no neighbour can change', () => {
  const text = (alphabet: string) =>
    base64Forms(Buffer.from('foobar'), alphabet).map((form) => Buffer.from(form).toString())
  assert.deepEqual(text('standard'), ['Zm9vYmFy', 'Zvb2Jhc', 'mb29iYX'])
  const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  assert.deepEqual(text(alphabet), ['Xk7tWkDw', 'XtZ0Hfa', 'kZ07gWV'])
  assert.deepEqual(text('too short'), ['', '', ''])
  for (let before = 0; before < 3; before++) {
    const around = Buffer.from(`${'<'.repeat(before)}foobar>`).toString('base64')
    assert.ok(around.includes(text('standard')[before] as string))
  }
  check([['"foob" base64', 'm9vy zm9v | zvb2 | b29i mb29']])
})

test('the last zero byte of base64wide is not asked for: at the end of a file the engine does without', () => {
  // Of the first form, Zm9vYmFy, neither the window of its last four characters nor the bytes `F.y.` are asked for.
  const [form] = grams(stringPlan(stringOf('"foobar" base64wide'))).split(' | ')
  assert.equal(form?.split(' & ')[0], 'wide 9vym m9vy vymf zm9v')
  assert.ok(form.includes(' .f.y') && !form.includes('f.y.'), form)
})

test('a string at a constant offset is an exact fact as well, where it has but one form', () => {
  const facts = (source: string) => {
    const plan = anchoredStringPlan(stringOf(source), 4)
    const parts = plan.kind === 'and' || plan.kind === 'or' ? plan.parts : [plan]
    return parts.flatMap((part) =>
      part.kind === 'fact' && part.fact.kind === 'bytes'
        ? [`${Buffer.from(part.fact.value).toString('hex')}&${Buffer.from(part.fact.mask).toString('hex')}`]
        : [],
    )
  }
  assert.deepEqual(facts('"MZ"'), ['4d5a&ffff'])
  assert.deepEqual(facts('"M-" nocase'), ['4d2d&dfff'])
  assert.deepEqual(facts('"M" wide'), ['4d00&ffff'])
  assert.deepEqual(facts('"M" wide ascii'), ['4d&ff', '4d00&ffff'])
  assert.deepEqual(facts('"MZ" xor(1)'), ['4c5b&ffff'])
  assert.deepEqual(facts('"MZ" xor'), [])
  assert.deepEqual(facts('"MZ" base64'), [])
  assert.deepEqual(facts('{ 4D ?? ~5A 4? [1] 50 [1-2] 51 }'), ['4d0000400050&ff0000f000ff'])
  assert.deepEqual(facts('{ 4D ( 5A | 5B ) }'), ['4d&ff'])
  assert.deepEqual(facts('/MZ/'), [])
})

test('the most telling grams come first, spread over the literal, and no more than the limit', () => {
  const literal = `${'\0'.repeat(8)}telling${'\xff'.repeat(8)}`
  const [best] = gramsOf(literal, 3)
  assert.ok(best !== undefined && !Buffer.from(Uint32Array.of(best).buffer).includes(0))
  assert.equal(gramsOf('abcdefghijklmnopqrstuvwxyz', 5).length, 5)
  assert.equal(gramsOf('aaaaaaaaaaaa', 5).length, 1)
  assert.equal(gramsOf('abc', 5).length, 0)
  const [first, second] = gramsOf('abcdefghijklmnopqrst', 2)
  assert.ok(Math.abs(((first ?? 0) & 0xff) - ((second ?? 0) & 0xff)) >= 4)
})
