import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hello, item, openPool, ruleset, summary } from './fixtures/open-pool.ts'
import { ArrivingTexts, type Piece, piecesOf, withoutLongTexts } from './long-texts.ts'
import type { ToWorker } from './protocol.ts'

const long = (letter: string) => `${letter}😀`.repeat(700_000)
const known = (key: string, content: string, plan: string) => ({
  ruleset: { key, name: key, content, plan },
  failure: null,
})

const messages: Record<string, ToWorker> = {
  'rulesets, long and short': {
    type: 'rulesets',
    rulesets: [known('a', long('a'), long('p')), known('b', 'rule b', ''), known('c', long('c'), 'plan')],
  },
  'short texts that look like marks, beside a long one': {
    type: 'rulesets',
    rulesets: [known('a', '\u00000', '\0'), known('b', long('b'), '\u00001'), known('c', '', '\u00002')],
  },
  'texts to be checked and planned': {
    type: 'tasks',
    tasks: [
      { id: 1, kind: 'check', input: { content: long('x'), partial: true }, exclusions: {} as never },
      { id: 2, kind: 'plan', input: { content: 'rule y', explain: false }, exclusions: {} as never },
    ],
  },
  'no text at all': { type: 'pause' },
}

for (const [title, message] of Object.entries(messages)) {
  test(`a message arrives as it was sent: ${title}`, () => {
    const arriving = new ArrivingTexts()
    const { marked, texts } = withoutLongTexts(message)
    const pieces: Piece[] = texts.flatMap((text) => [...piecesOf(text)])
    for (const piece of [...pieces, marked]) {
      assert.ok(JSON.stringify(piece).length < 1_000_000, 'nothing that is sent is long')
    }
    for (const piece of pieces) arriving.take(piece)
    assert.deepEqual(arriving.complete(marked), message)
    // What comes next is not taken for something with long texts.
    assert.deepEqual(arriving.complete({ type: 'pause' }), { type: 'pause' })
  })
}

test('a worker scans with a long text, of which nothing that was sent after it was overtaken', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  const comments = '// a line that says nothing\n'.repeat(100_000)
  const lengthy = ruleset('lengthy', `rule lengthy { condition: true } ${comments}`)
  assert.ok(lengthy.content.length > 2_000_000)
  pool.setRuleSet({ id: 'set', rulesets: [lengthy, hello] })
  const scan = (ruleSet: string) =>
    pool.run('verify', { ruleSet, items: [item(1, sample('greeting', 'hello'))], strings: false }, { priority: 'hunt' })
  assert.deepEqual(summary(await scan('set')), ['1: lengthy hello'])
  const { valid } = await pool.run('check', { content: lengthy.content }, { priority: 'interactive' })
  assert.ok(valid)
})
