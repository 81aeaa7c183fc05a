import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadYaraX } from './engine.ts'

const engine = loadYaraX()

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

test('the message says what is wrong in one sentence', () => {
  const [diagnostic] = engine.diagnose('rule a { condition: foo }')
  assert.equal(diagnostic?.message, 'unknown identifier `foo`: this identifier has not been declared')
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
