import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HuntText } from './hunt-text.ts'
import { packTexts, unpackTexts } from './packed-texts.ts'

const leftOut = [{ kind: 'rule', name: 'é', line: 1, column: 2, reason: 'a\nb', from: 0, to: 9 }] as const

const cases: Record<string, readonly HuntText[]> = {
  'no text': [],
  'an empty text': [{ name: 'empty', content: '' }],
  'line feeds, and names and contents beyond ASCII': [
    { name: 'zwei\nZeilen "é"', content: 'rule é\n{ condition: true } // 𝒳 \u0000' },
    { name: '', content: '\n\n' },
  ],
  'what does not run': [{ name: 'some', content: 'rule a { condition: true }', leftOut }],
  'a text that is read in several pieces': [
    { name: 'long', content: `// ${'ä'.repeat(3_000_000)}` },
    { name: 'short', content: 'rule b { condition: true }' },
  ],
}

for (const [title, texts] of Object.entries(cases)) {
  test(`texts are read as they were stored: ${title}`, async () => {
    assert.deepEqual(await unpackTexts(await packTexts(texts)), texts)
  })
}

test('texts that an earlier version stored are read', async () => {
  const texts = [{ name: 'é', content: 'rule a { condition: true }\n', leftOut }]
  assert.deepEqual(await unpackTexts(Buffer.from(JSON.stringify(texts))), texts)
})

test('texts of rules take a fraction of their length', async () => {
  const content = Array.from({ length: 20_000 }, (_, n) => `rule r${n} { condition: filesize == ${n} }\n`).join('')
  const packed = await packTexts([{ name: 'many', content }])
  assert.ok(packed.length < content.length / 4, `${content.length} characters became ${packed.length} bytes`)
})
