import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadUsualEngine } from './engines/index.ts'

const engine = loadUsualEngine()

/** `code line:column "text at the span"` for each error of a text. */
function errors(text: string): string[] {
  return engine
    .diagnose(text)
    .filter(({ severity }) => severity === 'error')
    .map(
      ({ code, line, column, span }) => `${code} ${line}:${column} ${JSON.stringify(text.slice(span.from, span.to))}`,
    )
}

test('all errors of a text are found at their places', () => {
  const text = 'rule a { condition: foo and bar }\nrule b { strings: $b = "x" condition: $b and\n  zork }'
  assert.deepEqual(errors(text), ['E009 1:21 "foo"', 'E009 3:3 "zork"'])
})

test('columns count characters, spans count UTF-16 units', () => {
  assert.deepEqual(errors('/* äö 😀😀 */ rule a { condition: foo }'), ['E009 1:33 "foo"'])
})

for (const [text, said] of [
  [
    'rule a { condition: foo }',
    /^unknown identifier `foo`: this identifier has not been declared; a rule must stand before/,
  ],
  ['rule a { condition: entrypoint == 3 }', /not supported anymore; use `pe\.entry_point`/],
  [
    'rule a { strings: $a = /C:\\Users/ condition: $a }',
    /invalid hexadecimal digit; a backslash itself is written `\\\\`/,
  ],
  ['import "magic" rule a { condition: true }', /^unknown module `magic`.*compare the variable `filetype`/],
  ['import "nothing" rule a { condition: true }', /`partial`/],
  ['include "x.yar" rule a { condition: true }', /; put the rules of that file here/],
  ['rule a { condition: md5 == "x" }', /`import "hash"` at the top and `hash\.md5\(0, filesize\)`/],
  ['rule a { condition: pe.is_pe }', /`import "pe"` at the top/],
  ['rule a { condition: file_type == "x" }', /here it is called `filetype`/],
  ['rule a { condition: positives > 3 }', /only other services/],
  ['rule a { strings: $a = /a|/ condition: $a }', /take the empty alternative away/],
  ['rule a { strings: $a = /x(?=a)/ condition: $a }', /look-around.*match the whole/],
  ['rule a { strings: $a = /a+b+?/ condition: $a }', /this is greedy.*make all repetitions/],
  ['rule a { condition: 1 of them }', /this rule doesn't define any patterns; declare strings/],
  ['rule a { strings: $a = "abc" xor nocase condition: $a }', /`xor` modifier used here.*can't be used together$/],
  ['rule a { strings: $a = "x" $b = "y" condition: $a }', /or call it `\$_b`/],
  ['rule a { condition: filename == 3 }', /`integer`.*`string`/],
  ['rule a { strings: $a = /a{1,100000}/ condition: $a }', /may slow down the scan; let it hold four/],
  ['import "hash" rule a { condition: hash.md5() == "x" }', /accepted argument combinations: \(.*integer.*integer.*\)/],
  ['rule a { condition: uint64(0) == 1 }', /there are int8, int16 and int32/],
  ['rule a { strings: $a = /.*/ condition: $a }', /`\^` and `\.\*` match everywhere/],
  ["rule a { strings: $a = 'text' condition: $a }", /straight double quotes/],
  ['rule a { strings: $a = “text” condition: $a }', /straight double quotes/],
  ['rule a { strings: $a = { 4 42 } condition: $a }', /a byte has two digits/],
  ['rule a { condition: filesize > 1TB }', /`KB` or `MB`/],
  [
    `rule a { condition: ${'long'.repeat(100)} }`,
    /^unknown identifier `long[^`]* …`: this identifier has not been declared; /,
  ],
  ['rule a { condition: true } rule a { condition: true }', /give one of them another name/],
] as const) {
  test(`the message for ${text} says what to write instead`, () => {
    const diagnostics = engine.diagnose(text)
    const messages = diagnostics.map(({ message }) => message)
    assert.ok(
      messages.some((message) => said.test(message)),
      messages.join('\n'),
    )
    for (const { message, span } of diagnostics) assert.ok(!/\n|\s\|/.test(message) && span.to > span.from, message)
  })
}

test('a message quotes the beginning of a name, however long the name is', () => {
  const long = 'x'.repeat(100_000)
  for (const text of [
    `rule a { condition: ${long} }`,
    `import "${long}" rule a { condition: true }`,
    `include "${long}" rule a { condition: true }`,
    `rule a { strings: $${long} = "x" condition: true }`,
    `rule a { strings: $a = /${long}(?=a)/ condition: $a }`,
    `rule a { strings: $a = /a{1,100000}${long}/ $b = "${long}" condition: 1 of them and filename == 3 }`,
  ]) {
    const diagnostics = engine.diagnose(text)
    assert.ok(diagnostics.length > 0, text.slice(0, 60))
    for (const { message } of diagnostics)
      assert.ok(message.length < 3_000, `${message.length}: ${message.slice(0, 99)}`)
  }
})

test('an error at the end of the text, or in an empty one, has a place inside it', () => {
  const text = 'rule x {\n condition:\n'
  for (const diagnostic of engine.diagnose(text)) {
    assert.ok(diagnostic.span.from <= text.length && diagnostic.span.to <= text.length)
  }
  assert.equal(engine.diagnose(text).length, 1)
  assert.deepEqual(engine.diagnose(''), [])
})

test('the usual external variables are known, others are not', () => {
  const known = 'filename == "a" and filepath == "a" and extension == "a" and filetype == "a" and owner == "a"'
  assert.deepEqual(errors(`rule a { condition: ${known} }`), [])
  assert.deepEqual(errors('rule a { condition: nickname == "a" }'), ['E009 1:21 "nickname"'])
})
