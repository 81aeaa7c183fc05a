import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleHit, RunnableRuleset, ScanError } from '../scanning/index.ts'
import { KnownMisses } from './known-misses.ts'

const ruleset = (key: string, more: Partial<RunnableRuleset> = {}): RunnableRuleset => ({
  ...{ key, name: key, content: `rule ${key} { condition: false }`, plan: '', ...more },
})
const setOf = (...rulesets: RunnableRuleset[]) => ({ id: 'set', rulesets })
const answer = (key: string, ...samples: number[]) => ({
  ruleset: key,
  samples: Uint32Array.from(samples),
  asksForNames: false,
})
const leftOf = (known: KnownMisses, ruleset: RunnableRuleset, ...samples: number[]) =>
  known.left(setOf(ruleset), [answer(ruleset.key, ...samples)]).flatMap((left) => [...left.samples])
const resultOf = (sample: number, { hits = [], errors = [] }: { hits?: string[]; errors?: string[] } = {}) => ({
  sample,
  hits: hits.map((ruleset): RuleHit => ({ ruleset, rule: 'r', tags: [], meta: {}, strings: [] })),
  errors: errors.map((ruleset): ScanError => ({ ruleset, reason: 'timeout', message: '' })),
})

test('a text is not scanned again with what it was scanned on in vain, and with everything else', () => {
  const known = new KnownMisses()
  const [a, b] = [ruleset('a'), ruleset('b')]
  const asked = [
    { sample: 1, rulesets: ['a', 'b'] },
    { sample: 2, rulesets: ['a'] },
    { sample: 3, rulesets: ['a', 'b'] },
    // Scanned with all, and not answered.
    { sample: 4, rulesets: null },
    { sample: 5, rulesets: ['a'] },
  ]
  known.add(setOf(a, b), asked, [
    resultOf(1, { hits: ['a'] }),
    resultOf(2),
    // What one of them did to the sample may have kept the other from it.
    resultOf(3, { errors: ['b'] }),
    resultOf(4),
  ])
  assert.deepEqual(leftOf(known, a, 1, 2, 3, 4, 5, 6), [1, 3, 4, 5, 6])
  assert.deepEqual(leftOf(known, b, 1, 2, 3), [2, 3])
  assert.deepEqual(known.left(setOf(b), [answer('b', 1)]), [])
  // The text counts, and not what it is called.
  assert.deepEqual(leftOf(known, { ...a, key: 'later' }, 2, 3), [3])
  assert.deepEqual(leftOf(known, { ...a, content: `${a.content} ` }, 2, 3), [2, 3])
  known.clear()
  assert.deepEqual(leftOf(known, a, 2), [2])
})

test('parts of one text that report other rules are told apart', () => {
  const known = new KnownMisses()
  const content = 'global rule one { condition: true } global rule two { condition: true }'
  const whole = { content, imports: '', rules: [], place: 0, text: 't', asksForNames: false }
  const part = (rule: string) => ruleset('t/0', { content, part: { ...whole, rule } })
  known.add(setOf(part('one')), [{ sample: 1, rulesets: ['t/0'] }], [resultOf(1)])
  assert.deepEqual(leftOf(known, part('one'), 1), [])
  assert.deepEqual(leftOf(known, part('two'), 1), [1])
})

test('texts that may ask for names or for the time, and those of very many samples, are scanned again', () => {
  const known = new KnownMisses()
  for (const word of ['filename', 'filepath', 'filetype', 'extension', 'owner', 'time.now']) {
    const asking = ruleset('asking', { content: `rule asking { condition: ${word}() == 1 }` })
    known.add(setOf(asking), [{ sample: 1, rulesets: ['asking'] }], [resultOf(1)])
    assert.deepEqual(leftOf(known, asking, 1), [1], word)
  }
  const many = ruleset('many')
  const addMany = (from: number, upTo: number) => {
    const samples = Array.from({ length: upTo - from }, (_, n) => from + n)
    known.add(
      setOf(many),
      samples.map((sample) => ({ sample, rulesets: ['many'] })),
      samples.map((sample) => resultOf(sample)),
    )
  }
  addMany(0, 65_536)
  assert.deepEqual(leftOf(known, many, 7), [])
  addMany(65_536, 65_537)
  assert.deepEqual(leftOf(known, many, 7), [7])
})
