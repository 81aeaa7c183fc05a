import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Expression, parse, type SourceFile } from '../yara/index.ts'
import { printPlan } from './print.ts'
import { planRuleset } from './ruleset.ts'

/** The plan of the last rule, on one line: `a & b`, `a | b`, `2 of (a, b, c)`. */
function planned(condition: string, before = ''): string {
  const strings = '$a = "alpha" $b = "bravo" $c = "charlie" $s = "abc"'
  const file = parse(`import "pe"\n${before}\nrule r { strings: ${strings} condition: ${condition} }`)
  assert.deepEqual(file.diagnostics, [], condition)
  const lines = printPlan(planRuleset(file).rules.at(-1)?.plan ?? { kind: 'never', why: '' }).split('\n')
  const read = (indent: number): string => {
    const line = lines.shift() as string
    const parts: string[] = []
    while (lines[0]?.startsWith(' '.repeat(indent + 2))) parts.push(read(indent + 2))
    const text = line.trim().replace(/: \d+ (wide )?grams?(, \d+ long)?$/, '')
    if (text === 'all of') return parts.join(' & ')
    if (text === 'one of') return `(${parts.join(' | ')})`
    return parts.length > 0
      ? `${text.replace('at least ', '')} (${parts.join(', ')})`
      : text.replace(/^may match.*/, 'may')
  }
  return read(0)
}

function check(table: readonly (readonly [string, string])[]): void {
  for (const [condition, expected] of table) assert.equal(planned(condition), expected, condition)
}

test('a string that must match demands its grams; one that must not demands nothing', () => {
  check([
    ['$a', '$a'],
    ['not $a', 'may'],
    ['not not $a', '$a'],
    ['$a and not $b', '$a'],
    ['not (not $a or not $b)', '$a & $b'],
    ['not ($a and $b)', 'may'],
    ['$s', 'may'],
    ['$a and $s', '$a'],
    ['$a or $s', 'may'],
    ['$a or $b', '($a | $b)'],
    ['$a in (10..200)', '$a'],
    ['$a in (10..11)', '$a & (bytes at 10: 61 6c 70 68 61 | bytes at 11: 61 6c 70 68 61)'],
    ['true', 'may'],
    ['false', 'never matches: the condition is false'],
  ])
})

test('counts, offsets and lengths demand the string when none would not do', () => {
  check([
    ['#a > 0', '$a'],
    ['#a == 0', 'may'],
    ['#a != 0', '$a'],
    ['#a < 5', 'may'],
    ['3 <= #a', '$a'],
    ['not (#a < 2)', '$a'],
    ['not (#a in (0..4) == 0 and true)', '$a'],
    ['not (#a in (0..uint8(1000)) == 0 and true)', 'may'],
    ['not (#a in (@b..4) == 0 or false)', 'may'],
    ['#a', '$a'],
    ['@a == 5', 'bytes at 5: 61 6c 70 68 61 & $a'],
    ['@a >= 5', '$a'],
    ['#a + #b > 2', '($a | $b)'],
    ['#a > #b', '$a'],
    ['#a >= #b', 'may'],
    ['#a - 1 > #b', '$a'],
    ['#a > #b - 1', 'may'],
    ['#a - #b == 2', '($a | $b)'],
    ['#a * #b >= 1', '($a | $b)'],
    ['not (#a + #b < 2)', 'may'],
    ['!a[2] > 3', '$a'],
    ['uint8(@a + 1) == 5', '$a'],
    ['defined @a', '$a'],
    ['not defined @a', 'may'],
  ])
})

test('quantifiers count what can be looked up, and what cannot lowers the count', () => {
  check([
    ['any of ($a, $b)', '($a | $b)'],
    ['all of ($a, $b)', '$a & $b'],
    ['none of ($a, $b)', 'may'],
    ['not none of ($a, $b)', '($a | $b)'],
    ['2 of ($a, $b, $c)', '2 of ($a, $b, $c)'],
    ['3 of ($a, $b, $c)', '$a & $b & $c'],
    ['2 of ($a, $b, $s)', '($a | $b)'],
    ['1 of ($a, $s)', 'may'],
    ['50% of ($a, $b, $c)', '2 of ($a, $b, $c)'],
    ['34% of ($a, $b, $c)', '2 of ($a, $b, $c)'],
    ['33% of ($a, $b, $c)', '($a | $b | $c)'],
    ['0 of ($a, $b)', 'may'],
    ['filesize of ($a, $b)', 'may'],
    ['2 of ($a and $b, $c, $s)', '($a & $b | $c)'],
    ['none of (filesize > 10, uint8(0) == 1)', 'filesize <= 10 & (filesize == 0 | uint8(0) == 0x0 | uint8(0) >= 0x2)'],
    ['not none of (filesize > 10, @a > 1)', 'may'],
  ])
})

test('loops over strings put each string in the place of $', () => {
  check([
    ['for any of ($a, $b) : ( $ )', '($a | $b)'],
    ['for all of ($a, $b) : ( # > 2 )', '$a & $b'],
    ['for any of ($a, $b) : ( not $ )', 'may'],
    ['for 2 of ($a, $b, $c) : ( @ > 5 )', '2 of ($a, $b, $c)'],
    ['for none of ($a) : ( $ )', 'may'],
  ])
})

test('loops over numbers are planned round by round while they are short', () => {
  check([
    ['for any i in (0..1) : ( uint8(i) == 7 )', '(uint8(0) == 0x7 | uint8(1) == 0x7)'],
    ['for all i in (0..1) : ( uint8(i) == 7 )', 'uint8(0) == 0x7 & uint8(1) == 0x7'],
    ['for any i in (3, 5) : ( uint8(i) == 7 )', '(uint8(3) == 0x7 | uint8(5) == 0x7)'],
    ['for any i in (0..1000) : ( uint8(i) == 7 and $a )', '$a'],
    ['for all i in (0..1000) : ( $a )', '$a'],
    ['for all i in (0..#b) : ( $a )', '$a'],
    ['for any i in (0..#b) : ( $a )', '$a'],
    ['for 0 i in (0..1) : ( $a )', 'may'],
    ['for any i in (1..#a) : ( @a[i] < 100 )', '$a'],
    ['for any i in (0..0) : ( for any j in (i..1) : ( uint8(j) == 7 ) )', '(uint8(0) == 0x7 | uint8(1) == 0x7)'],
  ])
})

test('names bound by with stand for their values', () => {
  check([
    ['with x = uint16(0) : ( x == 0x5A4D )', 'uint16(0) == 0x5a4d'],
    ['with x = 2, y = x * 2 : ( uint8(y) == 1 )', 'uint8(4) == 0x1'],
    ['with x = filesize : ( not (x > 10) )', 'filesize <= 10'],
    ['with x = @a : ( x > 5 )', '$a'],
  ])
})

test('a variable that is called like a rule is no rule', () => {
  const rules = 'rule a { strings: $x = "zzzzzz" condition: $x }'
  for (const condition of [
    'with a = 1 : ( any of (a) )',
    'for any a in (1, 2) : ( all of (a, a) )',
    'for any a in (1, 2) : ( 1 of (a) )',
  ]) {
    const [, plan] = planRuleset(parse(`${rules} rule b { condition: ${condition} }`)).rules
    assert.equal(plan && printPlan(plan.plan), 'may match: a is a variable here', condition)
  }
})

test('sizes and integers at constant offsets are exact on both sides of a not', () => {
  check([
    ['filesize < 1KB', 'filesize <= 1023'],
    ['not (filesize < 1KB)', 'filesize >= 1024'],
    ['10 < filesize and filesize <= 20', '11 <= filesize <= 20'],
    ['filesize > 10 and filesize < 5', 'never matches: no file has such a size'],
    ['uint16be(0) == 0x4D5A', 'uint16be(0) == 0x4d5a'],
    ['uint8(0) == 256', 'never matches: there is nothing to choose from'],
    ['int8(1) < 0', 'int8(1) <= -0x1'],
    ['uint8(0) != 0', 'uint8(0) >= 0x1'],
    ['not (uint8(0) == 0)', 'filesize >= 1 & (filesize == 0 | uint8(0) >= 0x1)'],
    ['uint32(0) & 0xFFFF == 0x5A4D', 'bytes at 0: 4d 5a ?? ??'],
    ['uint16be(2) & 0xF000 == 0x1000', 'bytes at 2: 10&f0 ??'],
    ['uint8(0) & 0x0F == 0x10', 'never matches: the value has bits that the mask clears'],
    ['uint32(uint32(0x3C)) == 0x4550', 'filesize >= 64'],
    ['uint8(1 - 2) == 0', 'may'],
    ['1 + 1 == 3', 'never matches: two constants that do not compare so'],
    ['0x7FFFFFFFFFFFFFFF + 0 > 0', 'may'],
    ['filesize > -1', 'may'],
  ])
})

test('rules refer to rules, and global rules hold for all', () => {
  const helper = 'private rule h { strings: $x = "xray!" condition: $x and filesize < 10 }'
  assert.equal(planned('h and $a', helper), 'filesize <= 9 & $x & $a')
  assert.equal(planned('not h and $a', helper), '$a')
  assert.equal(planned('any of (h)', helper), 'filesize <= 9 & $x')
  assert.equal(planned('not big', 'rule big { condition: filesize > 10 }'), 'filesize <= 10')
  assert.equal(planned('$a', 'global rule g { condition: filesize > 10 }'), 'filesize >= 11 & $a')
  assert.equal(planned('later', 'rule first { condition: true }'), 'may')
})

test('a ruleset is ruled out when all of its reported rules are', () => {
  const plan = (text: string) => printPlan(planRuleset(parse(text)).plan)
  assert.equal(plan(''), 'never matches: there is no rule that is reported')
  assert.equal(plan('private rule p { condition: true }'), 'never matches: there is no rule that is reported')
  assert.match(plan('rule a { condition: filesize == 1 } rule b { condition: filesize == 2 }'), /^one of/)
  assert.match(plan('rule a { condition: filesize == 1 } rule b { condition: true }'), /^may match/)
})

test('what several choices have in common is asked for once', () => {
  check([
    ['($a and $b) or ($a and $c)', '$a & ($b | $c)'],
    ['($a and $b) or $a', '$a'],
    ['$a and ($a or $b)', '$a'],
    ['$a and $a', '$a'],
  ])
})

test('any tree is planned, however deep or strange', () => {
  const span = { from: 0, to: 0 }
  const deep = (leaf: Expression, wrap: (inner: Expression) => Expression, times: number): Expression => {
    let expression = leaf
    for (let i = 0; i < times; i++) expression = wrap(expression)
    return expression
  }
  const leaf: Expression = { kind: 'stringMatch', identifier: '$nobody', anchor: null, span }
  const name: Expression = { kind: 'identifier', name: 'pe', span }
  const conditions: Expression[] = [
    leaf,
    { kind: 'unknown', span },
    deep(leaf, (operand) => ({ kind: 'not', operand, span }), 50_000),
    deep(leaf, (inner) => ({ kind: 'or', operands: [inner, inner], span }), 60),
    deep(name, (object) => ({ kind: 'member', object, name: 'x', span }), 50_000),
    deep(name, (operand) => ({ kind: 'negate', operand, span }), 50_000),
    { kind: 'of', quantifier: { kind: 'any' }, set: { kind: 'strings', patterns: ['$no*'] }, anchor: null, span },
    {
      kind: 'of',
      quantifier: { kind: 'all' },
      set: { kind: 'rules', patterns: ['self'], spans: [span] },
      anchor: null,
      span,
    },
    { kind: 'identifier', name: 'self', span },
    { kind: 'stringCount', identifier: '$', anchor: null, span },
    {
      kind: 'with',
      declarations: Array.from({ length: 60 }, (_, i): { name: string; value: Expression } => {
        const previous: Expression = { kind: 'identifier', name: `n${i - 1}`, span }
        return { name: `n${i}`, value: { kind: 'arithmetic', operator: '+', left: previous, right: previous, span } }
      }),
      body: {
        kind: 'comparison',
        operator: '==',
        left: { kind: 'identifier', name: 'n59', span },
        right: { kind: 'integer', value: 1n, span },
        span,
      },
      span,
    },
  ]
  for (const condition of conditions) {
    const file: SourceFile = {
      imports: [],
      includes: [],
      diagnostics: [],
      notUnderstood: null,
      rules: [
        {
          name: 'self',
          nameSpan: span,
          isGlobal: false,
          isPrivate: false,
          tags: [],
          meta: [],
          strings: [],
          condition,
          conditionSpan: span,
          span,
        },
      ],
    }
    assert.equal(planRuleset(file).plan.kind, 'may')
  }
})
