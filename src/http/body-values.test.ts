import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUrlencoded } from './body-values.ts'

const parse = (text: string | Uint8Array) => ({ ...parseUrlencoded(Buffer.from(text as string)) })

test('escapes and plus signs are undone, repeated names become lists, and order does not matter', () => {
  const cases: readonly [string, Record<string, string | string[]>][] = [
    ['', {}],
    ['a=1', { a: '1' }],
    ['a=1&a=2&b=3&a=4', { a: ['1', '2', '4'], b: '3' }],
    ['a=%41%62+c%2B', { a: 'Ab c+' }],
    ['%61=x', { a: 'x' }],
    ['a&b=&=c&&', { a: '', b: '', '': 'c' }],
    ['a=b=c', { a: 'b=c' }],
    ['n=%E8%A6%8F%E5%89%87', { n: '規則' }],
    ['n=規則', { n: '規則' }],
    ['c=50% of them', { c: '50% of them' }],
    ['c=100%&d=%4', { c: '100%', d: '%4' }],
    ['c=%%41', { c: '%A' }],
    ['a=1&b=%26', { a: '1', b: '&' }],
  ]
  for (const [text, form] of cases) assert.deepEqual(parse(text), form, text)
})

test('bytes that are no UTF-8 are refused, escaped or not', () => {
  for (const bytes of [Buffer.from('a=%ff'), Buffer.from([0x61, 0x3d, 0xff]), Buffer.from('a=%C3&b=%A4')]) {
    assert.throws(() => parseUrlencoded(bytes), { code: 'request.malformed' })
  }
})

test('what URLSearchParams writes is read back, for random values', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  const letters = ['a', '%', '+', '&', '=', ' ', '\n', 'ä', '規', '🦔', '\0', '41']
  const word = () => Array.from({ length: random(8) }, () => letters[random(letters.length)]).join('')
  for (let round = 0; round < 300; round++) {
    const name = `n${word()}`
    const values = Array.from({ length: 1 + random(3) }, word)
    const text = new URLSearchParams(values.map((value) => [name, value])).toString()
    assert.deepEqual(parse(text), { [name]: values.length === 1 ? values[0] : values }, `seed ${seed}: ${text}`)
  }
})

test('names that JavaScript knows on every object are names like any other', () => {
  assert.deepEqual(Object.entries(parseUrlencoded(Buffer.from('__proto__=x&constructor=y'))), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})
