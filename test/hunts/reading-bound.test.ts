/** Hunts that may read no more than their user says: refused with what costs it, or run without the costliest rules. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import type { HuntRequest, ReadingBound } from '../../src/hunts/index.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { HuntingGround } from './hunt-fixture.ts'

/** Each a word that is nowhere else, and sizes that tell samples apart. */
const words = ['elderberry', 'raspberries', 'gooseberry', 'strawberry', 'blackberry'] as const
const seed = chosenSeed()

interface Made {
  readonly name: string
  readonly content: string
  readonly holds: readonly string[]
}

let ground: HuntingGround
let made: readonly Made[]
before(async () => {
  ground = await HuntingGround.open()
  const random = randomFrom(seed)
  made = Array.from({ length: 40 }, (_, n) => {
    const holds = words.filter((_, word) => random.below(20) < 3 + 3 * word)
    const content = `${n} ${holds.join(', ')} ${'. '.repeat(random.below(4_000))}`
    return { name: `made-${n}.txt`, content, holds }
  })
  await ground.takeAll(new Map(made.map(({ name, content }) => [name, content])))
})
after(() => ground.close())

const ruleFor = (word: string) => `rule ${word} {\n  strings:\n    $text = "${word}"\n  condition:\n    $text\n}\n`
/** Bytes of the samples that hold any of the words: what the index leaves for their rules. */
const readBy = (some: readonly string[]) =>
  made
    .filter(({ holds }) => holds.some((word) => some.includes(word)))
    .reduce((sum, { content }) => sum + content.length, 0)

async function hunt(texts: HuntRequest['texts'], bound: ReadingBound, more: Partial<HuntRequest> = {}) {
  const { adHocHunts } = ground.appliance
  const request = { texts, selection: {}, useIndex: true, title: null, bound, ...more }
  const { id, outline } = await adHocHunts.create(ground.admin, request)
  await adHocHunts.settled(id)
  const { state, scannedBytes } = await adHocHunts.get(id)
  assert.equal(state, 'completed')
  const hits = await adHocHunts.hits(id, { after: 0, limit: 1_000 })
  return { found: hits.map(({ rule, filename }) => `${rule} ${filename}`).sort(), scannedBytes, outline }
}

async function refused(texts: HuntRequest['texts'], bound: ReadingBound, more: Partial<HuntRequest> = {}) {
  const error: unknown = await hunt(texts, bound, more).then(
    () => null,
    (error: unknown) => error,
  )
  assert.ok(error instanceof Failure && error.code === 'hunt.reads-too-much', String(error))
  return { message: error.message, detail: error.detail as Record<string, unknown> }
}

test(`a hunt above the bound is refused with the rule and the line that cost it (seed ${seed})`, async () => {
  const content = `// first\n${ruleFor('elderberry')}rule short {\n  strings:\n    $short = "el"\n  condition:\n    $short and\n    filesize > 1\n}\n`
  const whole = made.reduce((sum, sample) => sum + sample.content.length, 0)
  const { message, detail } = await refused([{ name: 'fruit', content }], { bytes: whole - 1, costly: 'refuse' })
  assert.match(
    message,
    /^The hunt would read .+ of samples, and may read .+ for the rule short of fruit for \$short and .+ in line 12\. Raise that bound, or have the costliest rules left out\.$/,
  )
  const { expected, most_read, count, rules } = detail
  assert.deepEqual(
    { expected, most_read, count },
    { expected: { samples: 40, bytes: whole }, most_read: whole - 1, count: 1 },
  )
  assert.deepEqual(rules, [
    {
      text: 'fruit',
      rule: 'short',
      line: 12,
      column: 5,
      term: '$short and filesize > 1',
      expected: { samples: 40, bytes: whole },
    },
  ])
  const within = await hunt([{ name: 'fruit', content }], { bytes: whole, costly: 'refuse' })
  assert.equal(within.scannedBytes, whole)
})

for (const [way, textsOf] of [
  ['in one text', (rules: readonly string[]) => [{ name: 'all', content: rules.join('\n') }]],
  ['in a text each', (rules: readonly string[]) => rules.map((content, n) => ({ name: `text${n}`, content }))],
] as const) {
  test(`of rules ${way}, as many run as fit, cheapest first, and each that does not is told (seed ${seed})`, async () => {
    const cheapest = [...words].sort((one, other) => readBy([one]) - readBy([other]))
    for (let kept = 1; kept < words.length; kept++) {
      const runs = cheapest.slice(0, kept)
      const least = readBy(runs)
      for (const bytes of [least, readBy(cheapest.slice(0, kept + 1)) - 1]) {
        if (bytes < least) continue
        const { found, scannedBytes, outline } = await hunt(textsOf(words.map(ruleFor)), { bytes, costly: 'leave-out' })
        const right = made.flatMap(({ name, holds }) =>
          runs.filter((word) => holds.includes(word)).map((word) => `${word} ${name}`),
        )
        assert.deepEqual(found, right.sort(), `${kept} rules, ${bytes} bytes`)
        assert.equal(scannedBytes, least)
        assert.equal(outline.allLeftOut, words.length - kept)
        for (const { reason } of outline.leftOut)
          assert.match(reason, /^it would read .+ for \$text in line \d+; the hunt may read .+$/)
      }
    }
  })
}

test('what uses a rule that costs too much goes with it', async () => {
  const content = `${ruleFor('elderberry')}rule every { condition: filesize > 0 } rule user { strings: $a = "elderberry" condition: $a and every }`
  const { found, outline } = await hunt([{ name: 'fruit', content }], {
    bytes: readBy(['elderberry']),
    costly: 'leave-out',
  })
  assert.ok(found.length > 0 && found.every((one) => one.startsWith('elderberry ')), found.join())
  assert.deepEqual(
    outline.leftOut.map(({ name, reason }) => [name, reason.replace(/^it would read .*/, 'reads')]),
    [
      ['every', 'reads'],
      ['user', 'it depends on the rule every, which is left out'],
    ],
  )
})

test('a private rule costs nothing by itself', async () => {
  const content = `private rule every { condition: filesize > 0 } rule user { strings: $a = "elderberry" condition: $a and every }`
  const { found, outline } = await hunt([{ name: 'fruit', content }], {
    bytes: readBy(['elderberry']),
    costly: 'refuse',
  })
  assert.ok(found.length > 0)
  assert.equal(outline.allLeftOut, 0)
})

test('where nothing would be left, the hunt is refused, and so is a plain scan', async () => {
  const texts = [{ name: 'fruit', content: ruleFor('blackberry') }]
  const { detail } = await refused(texts, { bytes: readBy(['blackberry']) - 1, costly: 'leave-out' })
  assert.equal(detail.count, 1)
  const whole = made.reduce((sum, sample) => sum + sample.content.length, 0)
  await refused(texts, { bytes: whole - 1, costly: 'leave-out' }, { useIndex: false })
})

test('only what is selected counts', async () => {
  const [one] = made.filter(({ holds }) => holds.includes('blackberry'))
  assert.ok(one, `seed ${seed}: no sample holds it`)
  const texts = [{ name: 'fruit', content: ruleFor('blackberry') }]
  const selection = { namePattern: one.name }
  const { found } = await hunt(texts, { bytes: one.content.length, costly: 'refuse' }, { selection })
  assert.deepEqual(found, [`blackberry ${one.name}`])
  const explained = await ground.appliance.explain(texts, AbortSignal.timeout(60_000), { selection })
  assert.deepEqual(explained.corpus, { samples: 1, bytes: one.content.length })
  assert.deepEqual(explained.texts[0]?.expected, explained.corpus)
})

test('explain tells where each rule lets through what it reads', async () => {
  const content = [
    'rule texts {',
    '  strings:',
    '    $long = "a long text that is rare"',
    '    $b = "abcd"',
    '  condition:',
    '    $long or $b',
    '}',
    'rule sizes { condition: filesize > 10 }',
  ].join('\n')
  const { texts } = await ground.appliance.explain([{ name: 'text', content }], AbortSignal.timeout(60_000))
  assert.deepEqual(
    texts[0]?.rules.map(({ weakest }) => weakest),
    [
      { line: 4, column: 5, term: '$b' },
      { line: 8, column: 25, term: 'filesize > 10' },
    ],
  )
})
