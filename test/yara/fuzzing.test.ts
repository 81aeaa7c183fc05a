/**
 * Texts that nobody would write: mutated public rules and cases, and texts made to be hard. The parser neither throws
 * nor hangs, every position it gives lies in the text, and it never objects to what the engine accepts.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { printSource } from '../../src/yara/dump.fixture.ts'
import { defaultBudget, parse, type SourceFile } from '../../src/yara/index.ts'
import { EngineWitness } from './engine.ts'
import { pick, type Random, randomFrom, seedOfThisRun } from './random.ts'

const engine = new EngineWitness()
after(() => engine.close())

const publicRules = join(import.meta.dirname, '../../../shared/rules/reversinglabs')
const caseTexts = textsOf(join(import.meta.dirname, 'cases', '*.yar'))
const publicTexts = textsOf(join(publicRules, '**/*.yara'))

function textsOf(pattern: string): string[] {
  return globSync(pattern)
    .sort()
    .map((path) => readFileSync(path, 'utf8'))
}

/** `FUZZ_SECONDS` asks for a longer run. */
const seconds = Number(process.env.FUZZ_SECONDS ?? 4)

test('mutated rules are read without a crash, and never refused where the engine accepts them', async (context) => {
  const seed = seedOfThisRun()
  const random = randomFrom(seed)
  let mutants = 0
  let accepted = 0
  const stopAt = performance.now() + seconds * 1_000
  while (performance.now() < stopAt) {
    // The cases are small and varied, the public rules are real.
    const source = pick(random, random(6) > 0 || publicTexts.length === 0 ? caseTexts : publicTexts)
    const text = mutate(random, oneRule(random, source))
    mutants++
    const about = () => `seed ${seed}, mutant ${mutants}:\n${text}`
    const file = parse(text)
    checkPositions(file, text, about)
    printSource(file)
    const answer = await engine.ask(text)
    if (!answer?.accepted) continue
    accepted++
    assert.deepEqual(file.diagnostics, [], about())
  }
  assert.ok(mutants > 20 && accepted > 0, `seed ${seed}: ${accepted} of ${mutants} mutants accepted`)
  context.diagnostic(`seed ${seed}: ${mutants} mutants, ${accepted} of them accepted by the engine`)
})

test('every prefix of a rule is read without a crash', () => {
  const text = readFileSync(join(import.meta.dirname, 'cases', 'comments-everywhere.yar'), 'utf8')
  for (let end = 0; end <= text.length; end++) {
    const prefix = text.slice(0, end)
    checkPositions(parse(prefix), prefix, () => prefix)
  }
})

const many = 40_000
const hard: Readonly<Record<string, string>> = {
  parentheses: `rule a { condition: ${'('.repeat(many)}true${')'.repeat(many)} }`,
  'parentheses that never close': `rule a { condition: ${'('.repeat(many)}`,
  'a chain of not': `rule a { condition: ${'not '.repeat(many)}true }`,
  'a chain of minus': `rule a { condition: filesize == ${'-'.repeat(many)}1 }`,
  'a long sum': `rule a { condition: filesize == ${'1 + '.repeat(many)}1 }`,
  'a chain of fields': `rule a { condition: a${'.b'.repeat(many)} }`,
  'a chain of indices': `rule a { condition: a${'[0]'.repeat(many)} }`,
  'nested indices': `rule a { condition: ${'a['.repeat(many)}0${']'.repeat(many)} }`,
  'nested loops': `rule a { condition: ${'for any i in (1..2) : ('.repeat(many / 10)}true${')'.repeat(many / 10)} }`,
  'nested alternatives': `rule a { strings: $a = { 01 ${'(02|'.repeat(many)}03${')'.repeat(many)} } condition: $a }`,
  'a nested regular expression': `rule a { strings: $a = /a${'('.repeat(many)}b${')'.repeat(many)}/ condition: $a }`,
  'beginnings of comments': '/*'.repeat(many),
  'beginnings of texts': '"'.repeat(many),
  'backslashes in quotes': '"\\'.repeat(many),
  'three quotes, again and again': '"""a'.repeat(many),
  'slashes and backslashes': '/\\'.repeat(many),
  'beginnings of rules': 'rule a { strings: $a = { '.repeat(many / 10),
  'braces and brackets': '{['.repeat(many),
  'words that are no YARA': 'lorem ipsum '.repeat(many),
  'dots in brackets': `rule a { condition: $a in (${'. '.repeat(many)}`,
  'wildcards that split the parser': `rule a { condition: any of (${'a*a*'.repeat(many / 10)}`,
  'characters beyond the first plane': '🦊'.repeat(many),
}

for (const [what, text] of Object.entries(hard)) {
  test(`${what} are answered with a diagnostic, in little time`, () => {
    // Processor time: how much else runs beside this test says nothing about the parser.
    const started = process.cpuUsage()
    const file = parse(text)
    const took = process.cpuUsage(started).user / 1_000
    assert.ok(took < 5_000, `${text.length} characters took ${Math.round(took)} ms of processor time`)
    assert.ok(file.diagnostics.length > 0 || what === 'a nested regular expression')
    assert.ok(file.diagnostics.length <= 100)
    checkPositions(file, text, () => what)
    printSource(file)
  })
}

test('a condition of ten thousand alternatives is no burden', () => {
  const strings = Array.from({ length: 10_000 }, (_, i) => `$s${i} = "text${i}"`).join('\n')
  const condition = Array.from({ length: 10_000 }, (_, i) => `$s${i}`).join(' or ')
  const { rules, diagnostics } = parse(`rule a { strings: ${strings} condition: ${condition} }`)
  assert.deepEqual(diagnostics, [])
  assert.equal(rules[0]?.condition.kind === 'or' && rules[0].condition.operands.length, 10_000)
})

test('a rule that nests too deep gets a diagnostic that says so, and those beside it are read', () => {
  const text = 'rule a { condition: ((((filesize)))) > 1 } rule b { strings: $s = "text" condition: $s }'
  const { rules, diagnostics, notUnderstood } = parse(text, { ...defaultBudget, maxDepth: 5 })
  assert.equal(notUnderstood, null)
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['budget-exceeded'],
  )
  assert.deepEqual(
    rules.map((rule) => [rule.name, rule.notUnderstood !== undefined, rule.condition.kind]),
    [
      ['a', true, 'unknown'],
      ['b', false, 'stringMatch'],
    ],
  )
})

test('where more than one rule may hide in what nests too deep, the whole text is not understood', () => {
  const text = 'rule a { condition: ((((filesize)))) > 1 /* rule */ } rule b { condition: true }'
  assert.notEqual(parse(text, { ...defaultBudget, maxDepth: 5 }).notUnderstood, null)
})

test('a text beyond the budget gets one diagnostic that says so, and no rules', () => {
  const text = 'rule a { condition: ((filesize)) > 1 }'
  for (const budget of [{ maxLength: 10 }, { maxNodes: 5 }]) {
    const { rules, diagnostics, notUnderstood } = parse(text, { ...defaultBudget, ...budget })
    assert.deepEqual(rules, [])
    assert.notEqual(notUnderstood, null)
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['budget-exceeded'],
    )
  }
})

test('the public rules are among what is mutated', (context) => {
  if (!existsSync(publicRules) && process.env.BACKTRAIL_NO_SKIPS !== '1') {
    context.skip('../shared/rules is not here')
    return
  }
  assert.ok(publicTexts.length > 0)
})

const snippets = [
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '"',
  '/',
  '\\',
  '*',
  '//',
  '/*',
  '*/',
  '$',
  '#a',
  '@a[1]',
  '!a',
  '..',
  '.',
  ',',
  ':',
  '=',
  '-',
  '~',
  '|',
  '%',
  ' and ',
  ' or ',
  ' not ',
  ' of ',
  ' them ',
  ' in ',
  ' at ',
  ' for ',
  ' any ',
  ' all ',
  ' with ',
  ' wide ',
  ' xor(1-2) ',
  '0x',
  '1_0',
  '5KB',
  '1.5',
  ' 00 ',
  '??',
  '[-]',
  '[2-3]',
  '(01|02)',
  'é',
  '🦊',
  '\0',
  '\n',
  '\r\n',
  '\t',
  '\u00a0',
  ' filesize ',
  ' true ',
  'rule x { condition: true }',
  ' /* c */ ',
  ' // c\n',
  '/ab+c/i',
  '"x\\x41"',
  ' private ',
  ' global ',
  '{1,2}',
  '+?',
]

/** A rule of the text with the text's imports, which keeps the engine quick; a text without rules as it is. */
function oneRule(random: Random, source: string): string {
  const { imports, rules } = parse(source)
  const rule = rules[random(rules.length)]
  if (rule === undefined) return source
  return [...imports, rule].map(({ span }) => source.slice(span.from, span.to)).join('\n')
}

/** A few small changes: cut, doubled, moved, swapped or new pieces. */
function mutate(random: Random, source: string): string {
  let text = source
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(text.length + 1)
    const to = Math.min(text.length, at + 1 + random(12))
    const kind = random(5)
    if (kind === 0) text = text.slice(0, at) + text.slice(to)
    else if (kind === 1) text = text.slice(0, to) + text.slice(at)
    else if (kind === 2) text = text.slice(0, at) + pick(random, snippets) + text.slice(to)
    else if (kind === 3) text = text.slice(0, at) + pick(random, snippets) + text.slice(at)
    else text = atABlank(random, text)
  }
  return text
}

/** Blanks and comments change nothing between two words, which keeps many mutants acceptable. */
function atABlank(random: Random, text: string): string {
  const blank = text.indexOf(' ', random(text.length + 1))
  return blank < 0
    ? text
    : text.slice(0, blank) + pick(random, [' /**/ ', '\n', '\t', ' // c\n', '  ']) + text.slice(blank)
}

function checkPositions(file: SourceFile, text: string, about: () => string): void {
  const lines = text.split('\n')
  for (const { span, line, column } of file.diagnostics) {
    assert.ok(line >= 1 && line <= lines.length && column >= 1, about())
    assert.ok(column <= [...(lines[line - 1] as string)].length + 1, about())
    assert.ok(0 <= span.from && span.from <= span.to && span.to <= text.length, about())
  }
  JSON.stringify(file.rules, (key, value) => {
    if (key === 'span' || key === 'nameSpan' || key === 'conditionSpan') {
      assert.ok(0 <= value.from && value.from <= value.to && value.to <= text.length, about())
    }
    return typeof value === 'bigint' ? null : value
  })
}
