import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenSeed, randomFrom } from '../../../test/planner/random.ts'
import { noVariables } from '../engine.ts'
import { withoutManyComments } from './comments.ts'
import { bundledEngines } from './index.ts'

/** So that there are very many comments; behind it, a text is treated as one of these. */
const many = '// a comment\n'.repeat(2_001)

test('a text with few comments stays as it is', () => {
  const text = `// one\n/* two */\nrule a { condition: true } // three\n`
  assert.equal(withoutManyComments(text), text)
})

for (const [text, expected] of [
  ['rule a // b\n{', 'rule a \n{'],
  ['rule a // b', 'rule a '],
  ['rule a // b\r\n{', 'rule a \n{'],
  ['/* a\nb */ \t\nrule', '\n \t\nrule'],
  ['/* before */ rule a', '/* before */ rule a'],
  ['/* // */ rule a', '/* // */ rule a'],
  ['/*/ a */\nrule', '\nrule'],
  ['/* not // closed\n', '/* not // closed\n'],
  ['$a = "// no comment"\n', '$a = "// no comment"\n'],
  ['$a = "\\"// none" // one\n', '$a = "\\"// none" \n'],
  ['$a = """zz\nsome y // q\n\\"thing""" // one\n', '$a = """zz\nsome y // q\n\\"thing""" \n'],
  ['$a = "not closed // \n// one\n', '$a = "not closed // \n\n'],
  ['$a = /x\\/\\/"/ // "one"\n', '$a = /x\\/\\/"/ \n'],
  ['$a = /[*]x/ /* one */\n', '$a = /[*]x/ \n'],
  ['{ 01 // é😀\n 02 }', '{ 01 \n 02 }'],
] as const) {
  test(`of very many comments, ${JSON.stringify(text)} loses what reaches to the end of a line, and no place moves`, () => {
    assert.equal(withoutManyComments(many + text), '\n'.repeat(2_001) + expected)
  })
}

for (const engine of bundledEngines()) {
  test(`${engine.name} says and finds the same in random texts with and without very many comments`, (t) => {
    const seed = chosenSeed()
    t.diagnostic(`seed ${seed}`)
    const random = randomFrom(seed)
    const { pick } = random
    const content = Buffer.from('the marked // words "quoted" /* here */')
    for (let round = 0; round < 30; round++) {
      const text = Array.from({ length: 4 }, (_, n) => {
        const gap = () => pick([' ', '\n', ' // "x" /* \n', ' /* " // */ ', '/**/\n', '\t/* \n*/ \r\n', '//\n'])
        const string = pick([
          '"marked //"',
          '"""// words \\"quoted\\""""',
          '"""marked // words\n// """',
          '"\\"quoted"',
          '/mark.d \\/\\//',
          '/[\\/]\\* h/',
          '{ 6D // }\n 61 72 }',
          '{ 6D /* } */ 61 }',
        ])
        const condition = pick(['$a', 'not $a', '#a == 1', '@a == 4', 'nothing', '$a and'])
        return ['rule', ` r${n}`, '{', 'strings:', '$a =', string, 'condition:', condition, '}']
          .map((token) => token + gap())
          .join('')
      }).join('\n')
      const plain = engine.diagnose(text)
      const moved = engine.diagnose(many + text)
      // Offsets of the text behind the comments.
      const back = moved.map((one) => ({
        ...one,
        span: { from: one.span.from - many.length, to: one.span.to - many.length },
      }))
      assert.deepEqual(
        back.map(({ code, span }) => [code, span]),
        plain.map(({ code, span }) => [code, span]),
        text,
      )
      if (plain.some(({ severity }) => severity === 'error')) continue
      const found = (rules: string) => engine.compile(rules).scan(content, noVariables)
      assert.deepEqual(found(many + text), found(text), text)
    }
  })
}
