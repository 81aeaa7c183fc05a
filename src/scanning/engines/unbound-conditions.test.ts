import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, withUnboundConditions } from './unbound-conditions.ts'

for (const [text, expected, variable = 'bt_off'] of [
  ['rule a { condition: true }', 'rule a { condition:( true ) or bt_off }'],
  [
    'rule a { condition: (filesize > 1) and (all of them) } rule b { condition: ((a)) }',
    'rule a { condition:( (filesize > 1) and (all of them) ) or bt_off } rule b { condition:( ((a)) ) or bt_off }',
  ],
  [
    'rule a { meta: about = "condition: }" strings: $a = /}:/ $b = { 7D } condition /* : } */ : any of them // }\n}',
    'rule a { meta: about = "condition: }" strings: $a = /}:/ $b = { 7D } condition /* : } */ :( any of them // }\n) or bt_off }',
  ],
  ['rule é { condition: true }', null],
  [
    '/* é😀 */ private rule a { condition: for any i in (1..2) : (i == 1) }\r\n// bt_off\n',
    '/* é😀 */ private rule a { condition:( for any i in (1..2) : (i == 1) ) or bt_off_ }\r\n// bt_off\n',
    'bt_off_',
  ],
  ['rule a { condition: 1 + }', null],
  ['rule a { condition: true } rule a { condition: false }', null],
  ['rule a { condition: true', null],
  ['', ''],
] as const) {
  test(`every condition of ${JSON.stringify(text)} can hold in another case, or the text is refused`, () => {
    if (expected === null) {
      assert.throws(() => withUnboundConditions(text), /Backtrail's own parser understands/)
      const [refusal, ...others] = refusalOf(text, withUnboundConditions)
      assert.deepEqual([refusal?.severity, refusal?.code, others.length], ['error', 'not-understood', 0])
      assert.match(refusal?.message ?? '', /; write it in the way of/)
    } else {
      assert.deepEqual(withUnboundConditions(text), { text: expected, variable })
      assert.deepEqual(refusalOf(text, withUnboundConditions), [])
    }
  })
}
