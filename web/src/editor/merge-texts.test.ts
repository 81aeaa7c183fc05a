import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeTexts } from './merge-texts.ts'

const text = (a: string, b: string, end = '') => `rule a {\n${a}\n}\n\nrule b {\n${b}\n}\n${end}`
const base = text('one', 'two')

test('changes of different places are both there, and a change that both made is there once', () => {
  const merged = mergeTexts({ mine: text('mine', 'two'), base, theirs: text('one', 'theirs', 'rule c {}\n') }, 'r2')
  assert.deepEqual(merged, { text: text('mine', 'theirs', 'rule c {}\n'), conflicts: 0 })
  const same = text('the same', 'two')
  assert.deepEqual(mergeTexts({ mine: same, base, theirs: same }, 'r2'), { text: same, conflicts: 0 })
  assert.deepEqual(mergeTexts({ mine: base, base, theirs: text('one', '') }, 'r2'), {
    text: text('one', ''),
    conflicts: 0,
  })
})

test('where both changed the same lines, both stand there between marks, and each such place counts', () => {
  const { text: merged, conflicts } = mergeTexts(
    { mine: text('mine', 'my two'), base, theirs: text('theirs', 'their two') },
    'revision 2',
  )
  assert.equal(conflicts, 2)
  assert.ok(merged.includes('<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> revision 2'))
  assert.ok(merged.includes('<<<<<<< yours\nmy two\n=======\ntheir two\n>>>>>>> revision 2'))
})

test('lines that end as on Windows are the same lines', () => {
  const { conflicts } = mergeTexts({ mine: base.replaceAll('\n', '\r\n'), base, theirs: text('theirs', 'two') }, 'r2')
  assert.equal(conflicts, 0)
})
