import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRules, ruleText } from './source-text.ts'
import { statementsOf } from './tokens.ts'

const text = 'rule r { // ä\n  strings: $a = "x" condition: $a\n}\n'
const utf8 = Buffer.from(text)
const utf16 = (mark: boolean, big: boolean) => {
  const bytes = Buffer.from(`${mark ? '\uFEFF' : ''}${text}`, 'utf16le')
  return big ? bytes.swap16() : bytes
}

for (const [what, bytes] of Object.entries({
  'UTF-8': utf8,
  'UTF-8 with a mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8]),
  'UTF-8 with two marks': Buffer.from(`\uFEFF\uFEFF${text}`),
  'UTF-16 little-endian': utf16(true, false),
  'UTF-16 big-endian': utf16(true, true),
  'Windows-1252': Buffer.from(text, 'latin1'),
})) {
  test(`rules in ${what} are read as the same text`, () => assert.equal(decodeRules(bytes), text))
}

for (const big of [false, true]) {
  test(`UTF-16 ${big ? 'big' : 'little'}-endian without a mark is recognised by its zeros`, () => {
    const ascii = `${'rule many_words { condition: true }'.repeat(3)}\n`
    const bytes = Buffer.from(ascii, 'utf16le')
    assert.equal(decodeRules(big ? bytes.swap16() : bytes), ascii)
  })
}

test('bytes that are no UTF-8 stay bytes in strings, and are characters elsewhere', () => {
  const given = [
    '// caf\xe9 \x80 "\xe9" $a = /\xe9/',
    'rule r {',
    '  meta: author = "Andr\xe9"',
    '  strings: $a = "caf\xe9 // \xff" $b = /[\xe0-\xe9]x/ /* \xe9 */',
    '  condition: $a or $b or filename contains "\xe9"',
    '}',
  ].join('\n')
  assert.deepEqual(decodeRules(Buffer.from(given, 'latin1')).split('\n'), [
    '// café € "é" $a = /é/',
    'rule r {',
    '  meta: author = "André"',
    '  strings: $a = "caf\\xE9 // \\xFF" $b = /[\\xE0-\\xE9]x/ /* é */',
    '  condition: $a or $b or filename contains "\\xE9"',
    '}',
  ])
  const mixed = Buffer.concat([Buffer.from('// ä '), Buffer.from([0xe4, 0x20, 0xed, 0xa0, 0x80, 0xf5])])
  assert.equal(decodeRules(mixed), '// ä ä í\u00A0€õ')
})

test('marks go from between rules, and stay in strings', () => {
  const given = '\uFEFFrule a { strings: $a = "\uFEFF" condition: $a }\n\uFEFFrule b { condition: true } // \uFEFF'
  assert.equal(
    ruleText(given),
    'rule a { strings: $a = "\uFEFF" condition: $a }\n rule b { condition: true } // \uFEFF',
  )
  assert.equal(ruleText('a\ud800'), 'a\uFFFD')
})

test('rules are told apart whatever is wrong inside them', () => {
  const given = [
    'import "pe" include "x.yar"',
    'private global rule a : t { meta: x = "rule no {" strings: $a = "open',
    '  $b = /rule no/ $c = { 01 } private condition: $a and (pe.rule or b* or # }',
    '// rule no',
    'rule b { condition a* and uint8(0) }',
    'private /* c */ rule c',
  ].join('\n')
  assert.deepEqual(
    statementsOf(given).map(({ kind, name, from, to, isGlobal }) => [
      kind,
      name,
      isGlobal,
      given.slice(from, to).slice(0, 11),
      given.slice(from, to).slice(-7),
    ]),
    [
      ['import', 'pe', false, 'import "pe"', 'rt "pe"'],
      ['include', 'x.yar', false, 'include "x.', '"x.yar"'],
      ['rule', 'a', true, 'private glo', ' or # }'],
      ['rule', 'b', false, 'rule b { co', 't8(0) }'],
      ['rule', 'c', false, 'private /* ', ' rule c'],
    ],
  )
  const [, , , b] = statementsOf(given)
  assert.ok(b?.words.has('a') && b.prefixes.includes('a') && b.words.has('uint8'))
})

test('texts are taken apart in a time that grows with their length', () => {
  for (const piece of ['"', '/', '\\', '/*', '"a\\', 'rule r ', '\uFEFF', '*/'])
    assert.ok(statementsOf(piece.repeat(200_000)).length <= 200_000)
})

test('lines inside texts of three quotes are no statements', () => {
  const given = [
    'import """pe"""',
    'rule a { strings: $a = """one',
    'include x',
    'rule no { condition: true } // \\" z""" condition: $a }',
    'rule b { meta: m = "" condition: """""" == m }',
    // Not closed: the rules behind it are found.
    'rule c { strings: $a = """one',
    'rule d { strings: $a = "x" condition: $a }',
  ].join('\n')
  assert.deepEqual(
    statementsOf(given).map(({ kind, name }) => `${kind} ${name}`),
    ['import pe', 'rule a', 'rule b', 'rule c', 'rule d'],
  )
})

test('a character 0 is kept as its escape, which says the same', () => {
  const given = 'rule a { strings: $a = "a\0b\\\\\0" $b = /x\0\0/ condition: any of them } // \0'
  assert.equal(
    ruleText(given),
    'rule a { strings: $a = "a\\x00b\\\\\\x00" $b = /x\\x00\\x00/ condition: any of them } // \\x00',
  )
  // An escape that there is none of is refused as it was.
  assert.equal(ruleText('"\\\0"'), '"\\\0"')
  const many = '\0'.repeat(10_002)
  assert.equal(ruleText(many), many)
  const long = '\\'.repeat(1_000_000)
  assert.equal(ruleText(`${long}\0${long}\0`), `${long}\\x00${long}\\x00`)
})
