import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EditorState, type StateCommand, StateEffect } from '@codemirror/state'
import { parsedState } from './parsed-state.fixture.ts'
import { rulesOf, symbolAt } from './symbols.ts'
import { formatText, goToDefinition, renameSymbol } from './text-commands.ts'

const text = `rule one {
  strings:
    $a = "first"
    $ab = "second"
  condition:
    $a and #a > 1 and @a[1] < 10 and !a[1] > 2 and any of ($a*)
}
rule two {
  strings:
    $a = "one $a one"
  condition:
    one and $a // one
}
`

/** The state after a command at an offset; null where the command did nothing. */
function after(command: StateCommand, offset: number, of = text): EditorState | null {
  const parsed = parsedState(of)
  const severalPlaces = StateEffect.appendConfig.of(EditorState.allowMultipleSelections.of(true))
  const state = parsed.update({ selection: { anchor: offset }, effects: severalPlaces }).state
  let result: EditorState | null = null
  const isDone = command({ state, dispatch: (transaction) => (result = transaction.state) })
  return isDone ? (result ?? state) : null
}

const nth = (part: string, n: number) => {
  let at = -1
  for (let i = 0; i <= n; i++) at = text.indexOf(part, at + 1)
  return at
}

test('the definition of a string is that in the same rule, whatever the sign in front', () => {
  const first = text.indexOf('$a = "first"') + 1
  for (const use of ['$a and', '#a >', '@a[1]', '!a[1]'])
    for (const within of [0, 1, 2])
      assert.equal(after(goToDefinition, text.indexOf(use) + within)?.selection.main.head, first, `${use} ${within}`)
  assert.equal(after(goToDefinition, text.indexOf('and $a //') + 5)?.selection.main.head, text.indexOf('$a = "one') + 1)
})

test('the definition of a rule is where it is named', () => {
  assert.equal(after(goToDefinition, nth('one', 3) + 1)?.selection.main.head, nth('one', 0))
  assert.equal(text.slice(nth('one', 3), nth('one', 3) + 11), 'one and $a ')
})

test('what is no name of the text has no definition', () => {
  for (const part of ['first', '($a*', 'strings:', '// one', '10 and', 'any of'])
    assert.equal(after(goToDefinition, text.indexOf(part) + 2), null, part)
  assert.equal(symbolAt(parsedState('rule a { condition: filesize > other }'), 35), null)
})

test('renaming selects every use of a string in its rule, without the signs, and nothing else', () => {
  const state = after(renameSymbol, text.indexOf('#a > 1') + 1)
  assert.ok(state)
  const { ranges, main } = state.selection
  assert.equal(ranges.length, 5)
  assert.equal(main.from, text.indexOf('#a > 1') + 1)
  const renamed = state.update(state.replaceSelection('name')).state.doc.toString()
  assert.equal(
    renamed.split('\n').slice(2, 6).join('\n'),
    `    $name = "first"
    $ab = "second"
  condition:
    $name and #name > 1 and @name[1] < 10 and !name[1] > 2 and any of ($a*)`,
  )
  assert.ok(renamed.endsWith(text.slice(text.indexOf('rule two'))))
})

test('renaming a rule takes the conditions that use it along, texts and comments not', () => {
  const state = after(renameSymbol, text.indexOf('one'))
  assert.ok(state)
  const renamed = state.update(state.replaceSelection('first_rule')).state.doc.toString()
  assert.equal(renamed.match(/first_rule/g)?.length, 2)
  assert.match(renamed, /rule first_rule \{/)
  assert.match(renamed, / {4}first_rule and \$a \/\/ one/)
})

test('nothing is renamed or formatted in a text that may only be read', () => {
  const state = EditorState.create({ doc: text, extensions: [EditorState.readOnly.of(true)] })
  for (const command of [renameSymbol, formatText])
    assert.equal(command({ state, dispatch: () => assert.fail('it was changed') }), false)
})

const rough = `rule   rough
{
strings:
        $a = "  kept  inside  "   
  $b = {
01 02
  03
}
condition:
/* a comment
       of three
  lines   
*/
$a and
            $b\t
}
`

test('formatting indents by what a line is in, once and for all, and changes nothing but blanks', () => {
  const formatted = after(formatText, 0, rough)?.doc.toString() ?? ''
  assert.equal(
    formatted,
    `rule   rough
{
  strings:
    $a = "  kept  inside  "
    $b = {
      01 02
      03
    }
  condition:
    /* a comment
       of three
  lines   
*/
    $a and
    $b
}
`,
  )
  assert.equal(after(formatText, 0, formatted)?.doc.toString(), formatted)
})

test('rules are told in their order, with where they are named', () => {
  assert.deepEqual(rulesOf(parsedState(text)), [
    { name: 'one', from: text.indexOf('one') },
    { name: 'two', from: text.indexOf('two {') },
  ])
  assert.deepEqual(rulesOf(parsedState('')), [])
})
