import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldable, getIndentation, syntaxTree } from '@codemirror/language'
import { highlightTree, tagHighlighter, tags } from '@lezer/highlight'
import { parsedState } from './parsed-state.fixture.ts'

const text = `rule one : tagged {
  meta:
    author = "me"
  strings:
    $a = { 01 ?? 03 } // what it looks for
    $b = /ab+c/i
  condition:
    any of them and filesize < 1KB
}
`
const state = parsedState(text)

test('every kind of word is told apart', () => {
  const highlighter = tagHighlighter([
    { tag: tags.definitionKeyword, class: 'definition' },
    { tag: tags.operatorKeyword, class: 'operator' },
    { tag: tags.className, class: 'rule' },
    { tag: tags.labelName, class: 'tag' },
    { tag: tags.propertyName, class: 'key' },
    { tag: tags.string, class: 'text' },
    { tag: tags.regexp, class: 'regexp' },
    { tag: tags.number, class: 'number' },
    { tag: tags.comment, class: 'comment' },
    { tag: tags.special(tags.variableName), class: 'string' },
    { tag: tags.standard(tags.variableName), class: 'standard' },
  ])
  const found = new Map<string, string>()
  highlightTree(syntaxTree(state), highlighter, (from, to, kind) => found.set(text.slice(from, to), kind))
  const expected = {
    rule: 'definition',
    one: 'rule',
    tagged: 'tag',
    author: 'key',
    '"me"': 'text',
    $a: 'string',
    '01': 'number',
    '// what it looks for': 'comment',
    '/ab+c/i': 'regexp',
    any: 'operator',
    them: 'operator',
    filesize: 'standard',
    '1KB': 'number',
  }
  for (const [word, kind] of Object.entries(expected)) assert.equal(found.get(word), kind, word)
})

test('rules and their sections fold', () => {
  const folded = (line: number) => {
    const { from, to } = state.doc.line(line)
    const range = foldable(state, from, to)
    return range && text.slice(range.from, range.to)
  }
  assert.match(folded(1) ?? '', /^\n {2}meta:.*1KB\n$/s)
  assert.equal(folded(2), '\n    author = "me"')
  assert.equal(folded(8), null)
})

test('what a section holds is indented below it, the section itself and the brace less', () => {
  const indents = [1, 2, 3, 4, 5, 7, 8, 9].map((line) => getIndentation(state, state.doc.line(line).from))
  assert.deepEqual(indents, [0, 2, 4, 2, 4, 2, 4, 0])
})
