import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noVariables } from './engine.ts'
import { loadUsualEngine } from './engines/index.ts'
import { withValuesInPlace } from './text-variables.ts'

/** Texts that the binding takes for numbers or truth values, and their like that it does not. */
const values = [
  '7',
  '007',
  '-7',
  '+7',
  '0',
  'true',
  'False',
  'TRUE',
  '99999999999999999999',
  '7.5',
  '1e5',
  '0x7',
  ' 7',
  '',
  'so',
]

const rules = `
rule same { strings: $a = "content" condition: $a and extension == "7" }
rule begins { condition: extension startswith "7" }
rule all_digits { condition: extension matches /^[0-9]+$/ and filename contains "lib" }
rule truth { condition: extension iequals "true" }
rule empty { condition: extension == "" }
rule other_names { strings: $b = "extension" condition: not $b and for any extension in (1..2) : ( extension == 2 ) }
rule long { condition: extension endswith "9999999999" }`

/** What the rules above say, in JavaScript. */
function expected(extension: string): string[] {
  const holds: Record<string, boolean> = {
    same: extension === '7',
    begins: extension.startsWith('7'),
    all_digits: /^[0-9]+$/.test(extension),
    truth: extension.toLowerCase() === 'true',
    empty: extension === '',
    other_names: true,
    long: extension.endsWith('9999999999'),
  }
  return Object.keys(holds).filter((name) => holds[name])
}

test('external variables are texts whatever they look like, in rules that ask for them', () => {
  const compiled = loadUsualEngine().compile(rules)
  compiled.limitMatchesPerString(10)
  for (const extension of values) {
    const found = compiled.scan(Buffer.from('some content'), { ...noVariables, filename: 'libc.so', extension })
    assert.deepEqual(
      found.map(({ rule }) => rule),
      expected(extension),
      `extension ${JSON.stringify(extension)}`,
    )
  }
})

test('variables among rules, and in declarations of their own name, are texts as well', () => {
  const compiled = loadUsualEngine().compile(`
rule any_of { condition: any of (filename, extension) }
rule all_of { condition: all of (filename) }
rule none_of { condition: none of (filename, any_of) }
rule same_name { condition: with filename = filename : ( filename contains "6" ) }
rule in_turn { condition: with x = filename, filename = "q" : ( x contains "6" and filename == "q" ) }`)
  const found = (filename: string) =>
    compiled.scan(Buffer.from('abc'), { ...noVariables, filename }).map(({ rule }) => rule)
  assert.deepEqual(found('6x'), ['any_of', 'all_of', 'same_name', 'in_turn'])
  assert.deepEqual(found('6'), found('6x'))
})

test('a sample whose name is a number is scanned with rules that ask for no name', () => {
  const compiled = loadUsualEngine().compile('rule hello { strings: $a = "hello" condition: $a }')
  for (const name of values) {
    const variables = { filename: name, filepath: name, extension: name, filetype: name, owner: name }
    assert.equal(compiled.scan(Buffer.from('hello'), variables).length, 1, `named ${JSON.stringify(name)}`)
  }
})

test('values are written into conditions, not into strings, comments, members or loop variables of the same name', () => {
  const text = `import "pe"
/* extension */ rule a { meta: extension = "extension" strings: $a = "extension" condition: $a and
  extension == "x" and pe.extension == 1 and (for any extension in (1..3) : ( extension == 2 )) and extension contains "y" }`
  assert.equal(
    withValuesInPlace(text, new Map([['extension', '7']])),
    `import "pe"
/* extension */ rule a { meta: extension = "extension" strings: $a = "extension" condition: $a and
  "7" == "x" and pe.extension == 1 and (for any extension in (1..3) : ( extension == 2 )) and "7" contains "y" }`,
  )
})
