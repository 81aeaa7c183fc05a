import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, rulePartsOf, textOfParts } from './index.ts'

const partsOf = (text: string) => rulePartsOf(text, parse(text))
/** Each part as the rule and what it brings along. */
const outline = (text: string) =>
  partsOf(text)?.map(({ rule, imports, rules }) => [
    rule,
    ...[...imports.matchAll(/"(\w+)"/g)].map(([, module]) => module),
    ...rules.filter(({ name }) => name !== rule).map(({ name }) => name),
  ])

const rule = (name: string, condition: string) => `rule ${name} { condition: ${condition} }`

const cases: readonly (readonly [title: string, text: string, expected: readonly (readonly string[])[]])[] = [
  ['rules that need nothing', `${rule('a', 'true')} ${rule('b', 'true')}`, [['a'], ['b']]],
  [
    'a module for the rules that name it',
    `import "pe" import "math" ${rule('a', 'pe.is_pe')} ${rule('b', 'true')}`,
    [['a', 'pe'], ['b']],
  ],
  [
    'a module behind a range whose dots stand apart',
    `import "pe" ${rule('a', 'for any i in (0. .pe.number_of_sections) : (i == 0)')} ${rule('b', 'true')}`,
    [['a', 'pe'], ['b']],
  ],
  [
    'a module behind a range with comments and many blanks between its dots',
    `import "pe" ${rule('a', `for any i in (0./* . */${' '.repeat(200)}// x\n.pe.number_of_sections) : (i == 0)`)} ${rule('b', 'true')}`,
    [['a', 'pe'], ['b']],
  ],
  [
    'a private rule is there for others only, with what it needs',
    `import "pe" private ${rule('a', 'pe.is_pe')} ${rule('b', 'a')} ${rule('c', 'not b')}`,
    [
      ['b', 'pe', 'a'],
      ['c', 'pe', 'a', 'b'],
    ],
  ],
  [
    'a global rule is there for all, with what it needs, also above it',
    `private ${rule('p', 'true')} ${rule('a', 'true')} global private ${rule('g', 'p')} ${rule('b', 'true')}`,
    [
      ['a', 'p', 'g'],
      ['b', 'p', 'g'],
    ],
  ],
  [
    'a set of rules by the beginning of their names',
    `${rule('load_a', 'true')} ${rule('other', 'true')} ${rule('load_b', 'true')} ${rule('loads', 'any of (load_*)')}`,
    [['load_a'], ['other'], ['load_b'], ['loads', 'load_a', 'load_b']],
  ],
  [
    'a name in a comment brings in a rule too many',
    `${rule('a', 'true')} ${rule('b', 'true and /* a */ true')}`,
    [['a'], ['b', 'a']],
  ],
  [
    'strings, members of modules and other parts of a rule may be called like rules',
    `import "pe" ${rule('pdb', 'true')} ${rule('x', 'true')} rule b { meta: x = 1 strings: $x = "pdb" condition: $x in (1..pe.pdb) or #x > pe.pdb }`,
    [['pdb'], ['x'], ['b', 'pe']],
  ],
  ['a rule further down is not meant', `${rule('a', '$b or true')} ${rule('b', 'true')}`, [['a'], ['b']]],
]

for (const [title, text, expected] of cases) {
  test(`the parts of a text: ${title}`, () => {
    const content = text.replace('{ condition: $b', '{ strings: $b = "b" condition: $b')
    assert.deepEqual(outline(content), expected)
    for (const part of partsOf(content) ?? []) {
      assert.equal(parse(part.content).notUnderstood, null)
      for (const { name, from, to } of part.rules)
        assert.match(part.content.slice(from, to), new RegExp(`rule ${name} `))
    }
  })
}

test('a text of which something is not understood, or that includes another, has no parts', () => {
  assert.equal(partsOf(`${rule('a', 'true')} nonsense ${rule('b', 'true')}`), null)
  assert.equal(partsOf(`${rule('a', 'true')} ${rule('a', 'true')}`), null)
  assert.equal(partsOf(`include "other.yar" ${rule('a', 'true')}`), null)
})

test('a text whose rules need each other so that parts would be many times as long has none', () => {
  const chain = Array.from({ length: 500 }, (_, n) =>
    rule(`chained_rule_number_${n}`, n === 0 ? 'true' : `chained_rule_number_${n - 1}`),
  )
  assert.equal(partsOf(chain.join('\n')), null)
})

test('several parts are one text again, with every rule once and behind those that it refers to', () => {
  const text = `import "pe"
    private ${rule('a', 'pe.is_pe')} ${rule('b', 'a')} ${rule('c', 'b and true')} ${rule('d', 'true')}`
  const [b, c, d] = partsOf(text) ?? []
  assert.ok(b && c && d)
  const names = parse(textOfParts([d, c, b])).rules.map(({ name }) => name)
  assert.deepEqual(names, ['a', 'b', 'c', 'd'])
})
