import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompletionContext } from '@codemirror/autocomplete'
import { completeYara } from './completion.ts'
import { parsedState } from './parsed-state.fixture.ts'

/** What is offered where `|` stands in the text; null for nothing. */
function offered(text: string): string[] | null {
  const position = text.indexOf('|')
  assert.ok(position >= 0)
  const state = parsedState(text.replace('|', ''))
  const found = completeYara(new CompletionContext(state, position, true))
  return found?.options.map(({ label }) => label) ?? null
}

const rule = (condition: string) =>
  `import "pe"\nrule earlier { condition: true }\nrule one { strings: $first = "abc" $second = { 01 02 } condition: ${condition} }`

test('a sign offers the strings of its own rule, under that sign', () => {
  assert.deepEqual(offered(rule('$|')), ['$first', '$second'])
  assert.deepEqual(offered(rule('$first and #s|')), ['#first', '#second'])
  assert.deepEqual(offered(rule('@f|')), ['@first', '@second'])
})

test('after a module and a dot come its fields, also within arrays and structures', () => {
  const ofPe = offered(rule('pe.|')) ?? []
  assert.ok(ofPe.includes('is_dll') && ofPe.includes('sections') && ofPe.includes('imphash'))
  const ofSection = offered(rule('pe.sections[0].|')) ?? []
  assert.ok(ofSection.includes('raw_data_size') && !ofSection.includes('sections'))
  assert.deepEqual(offered(rule('pe.linker_version.m|')), ['major', 'minor'])
  assert.equal(offered(rule('unheard_of.|')), null)
})

test('a condition offers keywords, modules, rules that stand before, and the variables of its loops', () => {
  const words = offered(rule('fil|')) ?? []
  for (const word of ['filesize', 'and', 'of', 'them', 'uint32be', 'hash', 'earlier'])
    assert.ok(words.includes(word), word)
  assert.ok(!words.includes('one'), 'a rule is not offered to itself')
  assert.ok(offered(rule('for any index in (0..3) : ( i| )'))?.includes('index'))
})

test('strings offer modifiers, an import offers modules, and the top level offers rules', () => {
  assert.ok(offered('rule a { strings: $a = "x" no| condition: $a }')?.includes('nocase'))
  assert.ok(offered('import "p|"')?.includes('pe'))
  assert.ok(offered('ru|')?.includes('rule'))
  assert.ok(!offered('ru|')?.includes('filesize'))
})

test('nothing is offered in comments, texts, hex strings and regular expressions', () => {
  assert.equal(offered('// ru|'), null)
  assert.equal(offered(rule('"some te|xt"')), null)
  assert.equal(offered('rule a { strings: $a = { 0| } condition: $a }'), null)
  assert.equal(offered('rule a { strings: $a = /ab|c/ condition: $a }'), null)
})
